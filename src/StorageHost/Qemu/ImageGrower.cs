using System.Globalization;
using StorageHost.Images;
using StorageHost.Images.Disks;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;

namespace StorageHost.Qemu;

/// <summary>Plans how raw and qcow2 images become larger.</summary>
internal sealed class ImageGrower : IImageGrower
{
    private const int HeadBytes = 4096;
    private const int SectorBytes = 512;
    private const long Gibibyte = 1L << 30;

    public ImageGrowth Plan(IHeaderSource image, ImageFormat format, long virtualBytes, long? backingBytes)
    {
        if (format == ImageFormat.Raw)
        {
            RefuseSmaller((image.Length + SectorBytes - 1) / SectorBytes * SectorBytes, virtualBytes);
            return image.Length == virtualBytes ? ImageGrowth.Nothing : new ImageGrowth([new GrowthStep(virtualBytes, [])], 0);
        }

        Span<byte> buffer = stackalloc byte[HeadBytes];
        var window = new HeaderWindow(image, buffer[..image.Read(0, buffer)]);
        if (Qcow2Header.Parse(window.Head) is not { } header)
        {
            throw Rejected("the qcow2 header is cut short");
        }

        RefuseSmaller((long)Math.Min(header.VirtualBytes, long.MaxValue), virtualBytes);
        if (header.VirtualBytes == (ulong)virtualBytes)
        {
            return ImageGrowth.Nothing;
        }

        return header.Snapshots > 0 ? throw Rejected("it has internal snapshots, which 'qemu-img snapshot -d' deletes")
            : Qcow2Extensions.FindBitmaps(header, window) is { Count: > 0 }
                ? throw Rejected("it has dirty bitmaps, which 'qemu-img bitmap --remove' removes")
            : backingBytes > (long)header.VirtualBytes ? throw Rejected("its backing file is larger, and would show through")
            : new Qcow2Growth(image, window.Head, header).Plan((ulong)virtualBytes);
    }

    /// <summary>The refusal of an image that cannot be made larger, for a reason that reads on after "because".</summary>
    internal static RefusedException Rejected(string why) => new(Refusal.ImageRejected, $"the disk cannot be made larger: {why}");

    private static void RefuseSmaller(long now, long wanted)
    {
        if (wanted < now)
        {
            throw new RefusedException(
                Refusal.InvalidSize,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"must be at least {(now + Gibibyte - 1) / Gibibyte}: the disk has {now} bytes, and is never made smaller"));
        }
    }
}
