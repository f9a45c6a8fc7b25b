using StorageHost.Images.Templates;

namespace StorageHost.Qemu.Foreign;

/// <summary>Looks into images of formats that are converted, without trusting them: before any other program sees one.</summary>
internal static class ForeignImages
{
    private const int HeadBytes = 4096;

    /// <summary>What an image in such a format is; null when it is in none.</summary>
    public static ForeignImage? Find(IHeaderSource source)
    {
        Span<byte> buffer = stackalloc byte[HeadBytes];
        var image = new HeaderWindow(source, buffer[..source.Read(0, buffer)]);
        return FormatOf(image) is { } format ? new ForeignImage(format, Open(format, source, image).Fault) : null;
    }

    /// <summary>Begins to look through the tables; null when there are none.</summary>
    /// <param name="source">An image that was found to have no fault.</param>
    public static IWholeCheck? CheckWhole(IHeaderSource source)
    {
        Span<byte> buffer = stackalloc byte[HeadBytes];
        var image = new HeaderWindow(source, buffer[..source.Read(0, buffer)]);
        return FormatOf(image) is { } format ? Open(format, source, image).Check : null;
    }

    private static ForeignParts Open(SourceFormat format, IHeaderSource source, HeaderWindow image) => format switch
    {
        SourceFormat.Vmdk => VmdkImage.Open(source, image),
        SourceFormat.Vhd => VhdImage.Open(source, image),
        SourceFormat.Vhdx => VhdxImage.Open(source, image),
        _ => VdiImage.Open(source, image),
    };

    private static SourceFormat? FormatOf(HeaderWindow image) =>
        image.Head.StartsWith(Qcow2Header.Magic) ? null : ForeignFormat.Detect(image) switch
        {
            "VMDK" => SourceFormat.Vmdk,
            "VHD" => SourceFormat.Vhd,
            "VHDX" => SourceFormat.Vhdx,
            "VDI" => SourceFormat.Vdi,
            _ => null,
        };
}
