using StorageHost.Images.Names;
using StorageHost.Images.Templates;

namespace StorageHost.Images.Ports;

/// <summary>A template that is to be made of what a client sends.</summary>
/// <param name="Image">Its name.</param>
/// <param name="Source">Where it comes from, as <see cref="TemplateRecord.Source"/> says it.</param>
/// <param name="Length">How many bytes will come; null when nobody has said.</param>
/// <param name="Sha256">The SHA-256 that the content must have, in lower-case hexadecimal digits; null when none was asked for.</param>
/// <param name="Replace">Whether it takes the place of the template of that name, if there is one.</param>
/// <param name="Format">The format that must be found in it; null when any will do.</param>
internal sealed record NewTemplate(
    ImageName Image, string Source, long? Length, string? Sha256, bool Replace = false, ImageFormat? Format = null);

/// <summary>Brings templates onto the volume (port; implemented in Files).</summary>
internal interface ITemplateImporter
{
    /// <summary>
    /// Writes what comes, without its wrapping, to a private file on the volume, checks it, and gives it the template's name. Whatever
    /// fails before that leaves nothing.
    /// </summary>
    /// <param name="wanted">What is to be made.</param>
    /// <param name="content">The content, read once, from front to back.</param>
    /// <param name="progress">Told how far it is, and waited for before more is written; what it throws ends the import.</param>
    /// <param name="confirm">Waited for before the name is given; what it throws ends the import.</param>
    /// <param name="cancellationToken">Stops it; nothing of it is left.</param>
    /// <exception cref="RefusedException">ImageExists; DigestMismatch; ImageRejected; JobConflict: another replaces it; and what the
    /// storage says.</exception>
    Task<TemplateDetails> ImportAsync(
        NewTemplate wanted, Stream content, Func<ImportProgress, ValueTask> progress, Func<Task> confirm,
        CancellationToken cancellationToken);

    /// <summary>Makes the latest version the template again; the template becomes a version.</summary>
    /// <exception cref="RefusedException">ImageNotFound; VersionNotFound; JobConflict; and what the storage says.</exception>
    Task<TemplateDetails> RollbackAsync(ImageName image, CancellationToken cancellationToken);
}
