namespace StorageHost.Images.Templates;

/// <summary>The formats that are served. Raw is what no other format's mark is found in.</summary>
internal enum ImageFormat
{
    /// <summary>A plain image of a disk.</summary>
    Raw,

    /// <summary>QEMU copy on write, version 2 or 3.</summary>
    Qcow2,
}

/// <summary>The formats that an image can be read in; all but the served ones are converted when they come in.</summary>
internal enum SourceFormat
{
    /// <summary>A plain image of a disk.</summary>
    Raw,

    /// <summary>QEMU copy on write.</summary>
    Qcow2,

    /// <summary>VMware's.</summary>
    Vmdk,

    /// <summary>Virtual PC's and Azure's.</summary>
    Vhd,

    /// <summary>Hyper-V's.</summary>
    Vhdx,

    /// <summary>VirtualBox's.</summary>
    Vdi,
}

/// <summary>An image in a format that is converted.</summary>
/// <param name="Format">The format.</param>
/// <param name="Fault">Why it must not be converted, in words for the client; null when nothing was found.</param>
internal sealed record ForeignImage(SourceFormat Format, string? Fault);

/// <summary>What the first bytes of an image say of it.</summary>
/// <param name="Format">The format.</param>
/// <param name="VirtualBytes">The size of the disk that a guest sees.</param>
/// <param name="BackingFile">The backing file as the header names it; null when there is none.</param>
/// <param name="Fault">Why this image must not be served or shown to qemu-img (a broken header, an external data file, encryption,
/// another format); null when nothing was found. Words for the client.</param>
internal sealed record ImageHeader(ImageFormat Format, long VirtualBytes, string? BackingFile, string? Fault);

/// <summary>Reads bytes of an open image.</summary>
internal interface IHeaderSource
{
    /// <summary>The file's length in bytes.</summary>
    long Length { get; }

    /// <summary>Reads at an offset; returns how many bytes there were, fewer than asked for only at the end of the file.</summary>
    int Read(long offset, Span<byte> buffer);
}

/// <summary>Reads image headers without trusting them (port; implemented in Qemu).</summary>
internal interface IImageInspector
{
    /// <summary>Reads the header. Content never makes it throw, and it reads at most a few KiB.</summary>
    ImageHeader Inspect(IHeaderSource source);

    /// <summary>
    /// What a file is packed in, or is instead of an image (an archive, a page), to be read after "it is"; null when nothing was found.
    /// </summary>
    string? FindPackaging(IHeaderSource source);

    /// <summary>
    /// Looks whether an image is in a format that is converted; null when it is not. Content never makes it throw, and it reads at most
    /// some hundred KiB.
    /// </summary>
    ForeignImage? FindForeign(IHeaderSource source);

    /// <summary>Begins to look whether a file holds everything that its tables name; null when the format has no tables (raw).</summary>
    /// <param name="source">An image whose header has no fault. It must stay open until the check is done.</param>
    IWholeCheck? CheckWhole(IHeaderSource source);
}

/// <summary>A check of one image that may take seconds. It goes on in steps, so that a storage thread is never kept for long.</summary>
internal interface IWholeCheck
{
    /// <summary>What is missing or wrong, in words for the client; null when nothing was found. Valid when the check is done.</summary>
    string? Fault { get; }

    /// <summary>Goes on until it is done or told to stop. Content never makes it throw.</summary>
    /// <returns>Whether it is done.</returns>
    bool Advance(Func<bool> stop);
}
