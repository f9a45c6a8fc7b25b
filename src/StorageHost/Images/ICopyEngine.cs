namespace StorageHost.Images;

/// <summary>Makes copies of templates (port; implemented in Files).</summary>
internal interface ICopyEngine
{
    /// <summary>Makes several copies from one reading of the template. Each is fsynced, and its size and digest are those of the template.</summary>
    /// <param name="image">Whose copies.</param>
    /// <param name="copies">How many.</param>
    /// <param name="progress">Told the bytes of one copy that are behind it, and the template's length.</param>
    /// <param name="cancellationToken">Stops the copying; nothing of it is left.</param>
    /// <returns>Claims, which are the caller's to publish.</returns>
    /// <exception cref="RefusedException">ImageNotFound, ImageRejected, NoSpace, StorageUnavailable, StorageTimeout;
    /// JobConflict when the template changed meanwhile.</exception>
    Task<IReadOnlyList<Claim>> MakeAsync(ImageName image, int copies, Action<long, long> progress, CancellationToken cancellationToken);
}
