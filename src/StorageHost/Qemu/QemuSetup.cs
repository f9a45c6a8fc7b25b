using StorageHost.Images.Ports;
using StorageHost.Images.Templates;
using StorageHost.Qemu.Converting;

namespace StorageHost.Qemu;

/// <summary>Joins QEMU's tools and formats to a host.</summary>
internal static class QemuSetup
{
    public static IServiceCollection AddQemu(this IServiceCollection services) => services
        .AddSingleton<IDiskCreator, QemuImg>()
        .AddSingleton<IImageConverter, QemuConverter>()
        .AddSingleton<IImageInspector, ImageInspector>()
        .AddSingleton<IImageGrower, ImageGrower>();
}
