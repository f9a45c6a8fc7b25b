using System.Text;
using StorageHost.Images.Templates;
using StorageHost.Qemu.Foreign;

namespace StorageHost.Qemu;

/// <summary>
/// Tells qcow2 from raw, and what must not be served from either, without ever asking qemu-img: a hostile header makes that read
/// other files of this machine.
/// </summary>
internal sealed class ImageInspector : IImageInspector
{
    /// <summary>Larger disks are taken for a mistake or an attack: 1 PiB.</summary>
    public const long MaxVirtualBytes = 1L << 50;

    private const int HeadBytes = 4096;
    private const int SectorBytes = 512;
    private const int MaxNameBytes = 1023;

    public ImageHeader Inspect(IHeaderSource source)
    {
        Span<byte> buffer = stackalloc byte[HeadBytes];
        var image = new HeaderWindow(source, buffer[..source.Read(0, buffer)]);
        return image.Head.StartsWith(Qcow2Header.Magic) ? Qcow2(image)
            : ForeignFormat.Detect(image) is { } format
                ? Raw(image.Length, $"the image is in the {format} format; only qcow2 and raw are served")
            : Raw(image.Length, image.Length == 0 ? "the file is empty" : null);
    }

    public string? FindPackaging(IHeaderSource source)
    {
        Span<byte> buffer = stackalloc byte[HeadBytes];
        return Packaging.Detect(buffer[..source.Read(0, buffer)]);
    }

    public IWholeCheck? CheckWhole(IHeaderSource source)
    {
        Span<byte> buffer = stackalloc byte[HeadBytes];
        var image = new HeaderWindow(source, buffer[..source.Read(0, buffer)]);
        return image.Head.StartsWith(Qcow2Header.Magic) && Qcow2Header.Parse(image.Head) is { } header
            ? new Qcow2WholeCheck(source, header, Qcow2Extensions.FindBitmaps(header, image))
            : ForeignImages.CheckWhole(source);
    }

    public ForeignImage? FindForeign(IHeaderSource source) => ForeignImages.Find(source);

    /// <summary>A guest sees whole sectors, so a last part of one counts as one; QEMU says the same.</summary>
    private static ImageHeader Raw(long length, string? fault) => length > MaxVirtualBytes
        ? new ImageHeader(ImageFormat.Raw, 0, null, fault ?? "the image is larger than 1 PiB")
        : new ImageHeader(ImageFormat.Raw, (length + SectorBytes - 1) / SectorBytes * SectorBytes, null, fault);

    private static ImageHeader Qcow2(HeaderWindow image)
    {
        if (Qcow2Header.Parse(image.Head) is not { } header)
        {
            return new ImageHeader(ImageFormat.Qcow2, 0, null, "the qcow2 header is cut short");
        }

        // Read even from a broken header: whoever deletes a template must know which disks name it.
        var backing = ReadBackingFile(header, image);
        var fault = Qcow2Checks.FindFault(header, image.Length)
            ?? Qcow2Extensions.FindFault(header, image)
            ?? (backing is not null && backing.Any(char.IsControl) ? "the qcow2 backing file name holds control characters" : null);
        var virtualBytes = header.VirtualBytes <= MaxVirtualBytes ? (long)header.VirtualBytes : 0;
        return new ImageHeader(ImageFormat.Qcow2, virtualBytes, backing, fault);
    }

    private static string? ReadBackingFile(in Qcow2Header header, HeaderWindow image)
    {
        if (header is { BackingOffset: 0 } or { BackingBytes: 0 or > MaxNameBytes })
        {
            return null;
        }

        Span<byte> name = stackalloc byte[(int)header.BackingBytes];
        return image.TryRead((long)header.BackingOffset, name) ? Encoding.UTF8.GetString(name) : null;
    }
}
