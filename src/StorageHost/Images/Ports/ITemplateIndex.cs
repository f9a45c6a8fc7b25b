using StorageHost.Images.Names;
using StorageHost.Images.Templates;

namespace StorageHost.Images.Ports;

/// <summary>A template as the index of the directory knows it.</summary>
/// <param name="Details">What its file tells.</param>
/// <param name="LinkedClones">How many disks have it as their backing file.</param>
internal sealed record IndexedTemplate(TemplateDetails Details, int LinkedClones);

/// <summary>
/// The templates of the served directory without a look at it (port; implemented in Files). The index is some seconds old; what this
/// daemon has
/// done since is known at once.
/// </summary>
internal interface ITemplateIndex
{
    /// <summary>All of them, sorted by name.</summary>
    IReadOnlyList<IndexedTemplate> List();

    /// <summary>One of them. One that the index does not know is looked for on the storage, by its name alone.</summary>
    /// <exception cref="RefusedException">ImageNotFound; and what the storage says.</exception>
    ValueTask<IndexedTemplate> FindAsync(ImageName image, CancellationToken cancellationToken);

    /// <summary>Remembers a template that this daemon has made, until the index knows it.</summary>
    void Add(TemplateDetails made);

    /// <summary>Remembers that this daemon has deleted a template, until the index knows it.</summary>
    void Remove(ImageName image);
}
