using StorageHost.Images.Disks;
using StorageHost.Images.Templates;

namespace StorageHost.Images.Ports;

/// <summary>Says how images become larger; writes nothing (port; implemented in Qemu).</summary>
internal interface IImageGrower
{
    /// <summary>Plans the growth of an image without a fault.</summary>
    /// <param name="image">The image.</param>
    /// <param name="format">Its format.</param>
    /// <param name="virtualBytes">The size of the disk that a guest is to see, in bytes.</param>
    /// <param name="backingBytes">The virtual size of its backing file; null when it has none.</param>
    /// <exception cref="RefusedException">InvalidSize: it is larger already, or cannot be that large; ImageRejected: it must not be made
    /// larger, or its tables contradict themselves.</exception>
    ImageGrowth Plan(IHeaderSource image, ImageFormat format, long virtualBytes, long? backingBytes);
}
