using StorageHost.Images.Templates;

namespace StorageHost.Api.Templates;

/// <summary>Answers <c>/templates</c>.</summary>
/// <param name="Templates">The templates, sorted.</param>
internal sealed record TemplatesAnswer(IReadOnlyList<TemplateInfoAnswer> Templates)
{
    public static TemplatesAnswer Of(IEnumerable<TemplateStatus> templates) => new([.. templates.Select(TemplateInfoAnswer.Of)]);
}

/// <summary>A template.</summary>
/// <param name="Image">Its name.</param>
/// <param name="Format">What was found in it.</param>
/// <param name="VirtualSizeBytes">The size of the disk that a guest sees.</param>
/// <param name="SizeBytes">The length of its file.</param>
/// <param name="AllocatedBytes">What it took on the volume when it was last read.</param>
/// <param name="Sha256">The SHA-256 of the content as it was sent; null when nobody knows.</param>
/// <param name="Source">How it came: <c>upload</c>, <c>url …</c> or <c>directory</c>.</param>
/// <param name="Created">When it came; for a file of the directory, when it was last written to.</param>
/// <param name="Protected">Whether it can be neither deleted nor replaced.</param>
/// <param name="LinkedClones">How many disks have it as their backing file.</param>
/// <param name="Versions">The earlier files that are kept, the latest first.</param>
/// <param name="Problem">Why it is not served; null when nothing was found in its header.</param>
/// <param name="Pool">Its ready copies.</param>
internal sealed record TemplateInfoAnswer(
    string Image, ImageFormat Format, long VirtualSizeBytes, long SizeBytes, long AllocatedBytes, string? Sha256, string Source,
    DateTimeOffset Created, bool Protected, int LinkedClones, IReadOnlyList<TemplateVersionAnswer> Versions,
    string? Problem, TemplatePoolAnswer Pool)
{
    public static TemplateInfoAnswer Of(TemplateStatus status)
    {
        var (template, header, record) = status.Details;
        return new TemplateInfoAnswer(
            template.Image.Text, header.Format, header.VirtualBytes, template.Fingerprint.Size, template.AllocatedBytes,
            record?.Sha256, record?.Source ?? TemplateRecord.Directory, record?.Created ?? Modified(template.Fingerprint),
            status.IsProtected, status.LinkedClones, [.. status.Versions.Select(TemplateVersionAnswer.Of)], header.Fault,
             new TemplatePoolAnswer(status.Wanted, status.Ready));
    }

    internal static DateTimeOffset Modified(Fingerprint state) =>
        DateTimeOffset.UnixEpoch.AddTicks(state.ModifiedNs / TimeSpan.NanosecondsPerTick);
}

/// <summary>An earlier file of a template.</summary>
/// <param name="Version">Its number; a later one has a higher.</param>
/// <param name="Created">When it came; or when it was last written to.</param>
/// <param name="SizeBytes">The length of the file.</param>
/// <param name="Sha256">The SHA-256 of the content as it was sent; null when nobody knows.</param>
/// <param name="KeptFor">What it is kept for: <c>rollback</c>.</param>
internal sealed record TemplateVersionAnswer(
    int Version, DateTimeOffset Created, long SizeBytes, string? Sha256, IReadOnlyList<string> KeptFor)
{
    private static readonly string[] Rollback = ["rollback"];

    public static TemplateVersionAnswer Of(TemplateVersion version) => new(
        version.Number, version.Record?.Created ?? TemplateInfoAnswer.Modified(version.State),
        version.State.Size, version.Record?.Sha256, Rollback);
}

/// <summary>A template's ready copies.</summary>
/// <param name="Wanted">How many there are to be.</param>
/// <param name="Ready">How many there are.</param>
internal sealed record TemplatePoolAnswer(int Wanted, int Ready);
