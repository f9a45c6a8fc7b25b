using StorageHost.Images.Names;
using StorageHost.Images.Pools;
using StorageHost.Images.Templates;

namespace StorageHost.Images.Ports;

/// <summary>What a look at the whole directory found.</summary>
/// <param name="Templates">The templates.</param>
/// <param name="Copies">The ready copies.</param>
/// <param name="HeldElsewhere">How many copies of an image other daemons on the volume have claimed, for a caller or ahead.</param>
/// <param name="Levels">The wanted levels that were set, here or on another node.</param>
/// <param name="Unknown">Images of which the storage would not say something just now, so that nothing is known of them.</param>
/// <param name="Space">The room on the volume.</param>
internal sealed record VolumeScan(
    IReadOnlyList<Template> Templates,
    IReadOnlyList<Copy> Copies,
    IReadOnlyDictionary<ImageName, int> HeldElsewhere,
    IReadOnlyDictionary<ImageName, int> Levels,
    IReadOnlySet<ImageName> Unknown,
    VolumeSpace Space)
{
    /// <summary>The templates that are protected.</summary>
    public IReadOnlySet<ImageName> Protected { get; init; } = new HashSet<ImageName>();

    /// <summary>The versions that are kept of templates, in no order.</summary>
    public IReadOnlyList<TemplateVersion> Versions { get; init; } = [];
}

/// <summary>
/// The volume that the storage directory lies on (port; implemented in Files). Only "does not exist" is ever reported as absent.
/// </summary>
internal interface IVolume
{
    /// <summary>Sees to it that the directory is mounted and this daemon at home in it.</summary>
    /// <exception cref="RefusedException">StorageUnavailable or StorageTimeout, with what is wrong.</exception>
    Task EnsureServedAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Tidies up after daemons that died and requests that were cut short, here and on other nodes. May be interrupted and repeated.
    /// </summary>
    Task RecoverAsync(CancellationToken cancellationToken);

    /// <summary>The names of the templates, sorted.</summary>
    Task<IReadOnlyList<ImageName>> ListTemplatesAsync(CancellationToken cancellationToken);

    /// <summary>Looks at one template.</summary>
    /// <exception cref="RefusedException">ImageNotFound when it does not exist.</exception>
    Task<Template> FindTemplateAsync(ImageName image, CancellationToken cancellationToken);

    /// <summary>Looks through one template, unless it is still being written.</summary>
    /// <exception cref="RefusedException">ImageNotFound; ImageRejected when it must not be served or is not whole.</exception>
    Task<Template> InspectTemplateAsync(ImageName image, CancellationToken cancellationToken);

    /// <summary>Reads the whole directory.</summary>
    Task<VolumeScan> ScanAsync(CancellationToken cancellationToken);

    /// <summary>How much room there is now.</summary>
    Task<VolumeSpace> ReadSpaceAsync(CancellationToken cancellationToken);

    /// <summary>Remembers a wanted level for this and every other daemon on the volume.</summary>
    Task WriteLevelAsync(ImageName image, int level, CancellationToken cancellationToken);

    /// <summary>
    /// Whether a wanted level of this image is remembered: asked by its name, which a listing of a sick volume may leave out.
    /// </summary>
    Task<bool> HasLevelAsync(ImageName image, CancellationToken cancellationToken);

    /// <summary>Protects a template from being deleted and replaced, on every node; or no longer does.</summary>
    Task SetProtectedAsync(ImageName image, bool isProtected, CancellationToken cancellationToken);

    /// <summary>Becomes the only daemon that fills or trims this image's pool; null when another one is.</summary>
    Task<IAsyncDisposable?> TryLockPoolAsync(ImageName image, CancellationToken cancellationToken);
}
