using StorageHost.Images.Templates;

namespace StorageHost.Images.Ports;

/// <summary>
/// Keeps uploads on the volume, where every daemon finds them: what has come, and what was said of it (port; implemented in Files).
/// </summary>
internal interface IUploadStore
{
    /// <summary>Begins an upload; it is durable when this returns.</summary>
    Task<UploadStatus> CreateAsync(Upload upload, CancellationToken cancellationToken);

    /// <summary>All uploads on the volume, in no order.</summary>
    Task<IReadOnlyList<UploadStatus>> ListAsync(CancellationToken cancellationToken);

    /// <summary>One upload.</summary>
    /// <exception cref="RefusedException">UploadNotFound; and what the storage says.</exception>
    Task<UploadStatus> FindAsync(UploadId id, CancellationToken cancellationToken);

    /// <summary>Becomes the only one, on any node, who continues an upload; an older one, which may hang, is asked to end.</summary>
    /// <exception cref="RefusedException">UploadNotFound; UploadConflict: the older one does not end.</exception>
    Task<IOpenUpload> OpenAsync(UploadId id, CancellationToken cancellationToken);

    /// <summary>Removes an upload and what has come of it; false when it was gone.</summary>
    Task<bool> RemoveAsync(UploadId id, CancellationToken cancellationToken);

    /// <summary>The same unless somebody, on any node, continues it.</summary>
    Task<bool> ForgetAsync(UploadId id, CancellationToken cancellationToken);
}

/// <summary>An upload that this daemon alone continues, until it is disposed of.</summary>
internal interface IOpenUpload : IAsyncDisposable
{
    /// <summary>How it stands.</summary>
    UploadStatus Status { get; }

    /// <summary>Cancelled when a newer request, on any node, continues it.</summary>
    CancellationToken Overtaken { get; }

    /// <summary>Whether it is in several parts, which publishing copies into one file.</summary>
    bool IsInParts { get; }

    /// <summary>Adds what comes. What has come when the sender breaks off is durable and stays.</summary>
    /// <param name="content">The next bytes.</param>
    /// <param name="progress">Told how many bytes there are, and waited for before they are written; what it throws ends this.</param>
    /// <param name="left">Ends it when the sender has left, or the daemon is stopping; what has come stays.</param>
    /// <param name="cancellationToken">Ends it; what came since the last durable offset is forgotten.</param>
    /// <exception cref="RefusedException">UploadConflict: more came than was said; and what the storage says.</exception>
    Task AppendAsync(Stream content, Func<long, ValueTask> progress, CancellationToken left, CancellationToken cancellationToken);

    /// <summary>Makes the template of an upload that is all there. Done again after an interruption, it goes on where it was.</summary>
    /// <param name="progress">Told how far a file is that is made of what came, and waited for before more is written; what it throws ends
    /// this.</param>
    /// <param name="confirm">Waited for before the name is given; what it throws ends this.</param>
    /// <param name="cancellationToken">Ends it before the name is given.</param>
    /// <exception cref="RefusedException">DigestMismatch and ImageRejected: the upload is gone; ImageExists, JobConflict and what the
    /// storage says: it stays.</exception>
    Task<TemplateDetails> PublishAsync(
        Func<ImportProgress, ValueTask> progress, Func<Task> confirm, CancellationToken cancellationToken);
}
