using StorageHost.Images.Names;
using StorageHost.Images.Pools;

namespace StorageHost.Images.Ports;

/// <summary>How far a copying has come.</summary>
/// <param name="Position">The bytes of one copy that are behind it, holes included.</param>
/// <param name="Written">The bytes that it has written, of all copies.</param>
internal readonly record struct CopyProgress(long Position, long Written);

/// <summary>How hard a copying may go at the storage.</summary>
internal enum Pace
{
    /// <summary>As fast as the storage takes it.</summary>
    Full,

    /// <summary>
    /// Claims come and go: a little at a time, and on the storage before the next, so that no claim's fsync waits for much of it.
    /// </summary>
    Gentle,
}

/// <summary>Makes copies of templates (port; implemented in Files).</summary>
internal interface ICopyEngine
{
    /// <summary>
    /// Makes several copies from one reading of the template. Each is fsynced, and its size and digest are those of the template.
    /// </summary>
    /// <param name="image">Whose copies.</param>
    /// <param name="copies">How many.</param>
    /// <param name="progress">Told many times a second how far it is, and waited for before the next step, which goes at the pace that it
    /// returns.</param>
    /// <param name="cancellationToken">Stops the copying; nothing of it is left.</param>
    /// <returns>Claims, which are the caller's to publish.</returns>
    /// <exception cref="RefusedException">ImageNotFound, ImageRejected, NoSpace, StorageUnavailable, StorageTimeout;
    /// JobConflict when the template changed meanwhile.</exception>
    Task<IReadOnlyList<Claim>> MakeAsync(
        ImageName image, int copies, Func<CopyProgress, ValueTask<Pace>> progress, CancellationToken cancellationToken);
}
