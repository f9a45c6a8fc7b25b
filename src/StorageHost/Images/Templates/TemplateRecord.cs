namespace StorageHost.Images.Templates;

/// <summary>What a template remembers of how it came to be; it goes with the file.</summary>
/// <param name="Source">How: <c>upload</c>, or <c>url …</c>.</param>
/// <param name="Created">When.</param>
/// <param name="Sha256">The SHA-256 of the content as it was sent, in lower-case hexadecimal digits.</param>
internal sealed record TemplateRecord(string Source, DateTimeOffset Created, string Sha256)
{
    /// <summary>The source of a template that a client has sent.</summary>
    public const string Upload = "upload";

    /// <summary>The source of a template that somebody put into the directory.</summary>
    public const string Directory = "directory";
}

/// <summary>A template at one moment.</summary>
/// <param name="Details">What its file tells.</param>
/// <param name="IsProtected">Whether it can be neither deleted nor replaced.</param>
/// <param name="LinkedClones">How many disks have it as their backing file.</param>
/// <param name="Versions">The earlier files that are kept, the latest first.</param>
/// <param name="Wanted">How many ready copies of it there are to be.</param>
/// <param name="Ready">How many there are.</param>
internal sealed record TemplateStatus(
    TemplateDetails Details, bool IsProtected, int LinkedClones, IReadOnlyList<TemplateVersion> Versions, int Wanted, int Ready);

/// <summary>A template as its file tells of it.</summary>
/// <param name="Template">Its name and state, and what it takes on the volume.</param>
/// <param name="Header">Its format and the size that a guest sees.</param>
/// <param name="Record">How it came to be; null for a file that somebody put there, or has written to since.</param>
internal sealed record TemplateDetails(Template Template, ImageHeader Header, TemplateRecord? Record);
