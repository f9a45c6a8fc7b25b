using StorageHost.Images.Names;

namespace StorageHost.Images.Templates;

/// <summary>An earlier file of a template that was replaced; it is kept for a rollback.</summary>
/// <param name="Image">Whose.</param>
/// <param name="Number">Its number; a later one has a higher.</param>
/// <param name="State">The file's state.</param>
/// <param name="Record">How it came to be; null when nobody knows.</param>
internal sealed record TemplateVersion(ImageName Image, int Number, Fingerprint State, TemplateRecord? Record);

/// <summary>The versions that are kept, as the last scan saw them.</summary>
internal sealed class KnownVersions
{
    private volatile IReadOnlyList<TemplateVersion> versions = [];

    /// <summary>Takes up what a scan saw.</summary>
    public void TakeUp(IReadOnlyList<TemplateVersion> seen) => versions = seen;

    /// <summary>Those of a template, the latest first. A replacement that was cut short leaves the template itself among them.</summary>
    public IReadOnlyList<TemplateVersion> Of(Template template) =>
    [
        .. versions.Where(version => version.Image == template.Image && version.State.Inode != template.Fingerprint.Inode)
            .OrderByDescending(version => version.Number),
    ];

    /// <summary>The number of the version of an image that is that file; null when none is.</summary>
    public int? NumberOf(ImageName image, ulong inode) =>
        versions.FirstOrDefault(version => version.Image == image && version.State.Inode == inode)?.Number;
}
