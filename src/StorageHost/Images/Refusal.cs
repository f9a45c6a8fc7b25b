namespace StorageHost.Images;

/// <summary>Why a request was not done: a closed list. <c>Api/ErrorTable</c> gives each its status and code.</summary>
internal enum Refusal
{
    /// <summary>There is no template of that name.</summary>
    ImageNotFound,

    /// <summary>The host has no system disk (and, for a purge, no data disk).</summary>
    HostNotFound,

    /// <summary>There is no data disk of that name.</summary>
    DiskNotFound,

    /// <summary>There is no image storage of that id.</summary>
    ImageStorageNotFound,

    /// <summary>No earlier version of the template is kept.</summary>
    VersionNotFound,

    /// <summary>No job has that id, or it ended too long ago to be remembered.</summary>
    JobNotFound,

    /// <summary>No upload has that id: it was finished, cancelled or forgotten.</summary>
    UploadNotFound,

    /// <summary>A disk cannot have that size: it is smaller than the image, or more than the image's format holds.</summary>
    InvalidSize,

    /// <summary>The disk's name is taken.</summary>
    HostExists,

    /// <summary>A process, here or on another node, holds a QEMU lock on the file.</summary>
    DiskInUse,

    /// <summary>There is a template of that name.</summary>
    ImageExists,

    /// <summary>Linked clones have the template as their backing file.</summary>
    ImageInUse,

    /// <summary>The template is protected.</summary>
    ImageProtected,

    /// <summary>The job is over, or another change of the same thing is under way.</summary>
    JobConflict,

    /// <summary>A piece of an upload does not begin where the upload ends, or another request continues it.</summary>
    UploadConflict,

    /// <summary>The template is hostile, broken or of a format that is not served.</summary>
    ImageRejected,

    /// <summary>What was sent has another digest than the sender said.</summary>
    DigestMismatch,

    /// <summary>The URL, or what it leads to, is none that the daemon fetches from.</summary>
    UrlRefused,

    /// <summary>The server of a URL cannot be reached, answers with an error, or breaks off again and again.</summary>
    UrlFailed,

    /// <summary>The template is larger than <c>Import:MaxBytes</c>.</summary>
    TooLarge,

    /// <summary>As many requests wait for copies as may.</summary>
    TooManyRequests,

    /// <summary>The storage answered with an error, or is not there: nobody can tell whether the file exists.</summary>
    StorageUnavailable,

    /// <summary>The storage did not answer within its deadline: the outcome is unknown.</summary>
    StorageTimeout,

    /// <summary>The volume, or the owner's quota on it, is full.</summary>
    NoSpace,

    /// <summary>The daemon is stopping.</summary>
    ShuttingDown,
}

/// <summary>An expected refusal. Its message is for the client: it names no path and no secret.</summary>
internal sealed class RefusedException(Refusal reason, string message, Exception? innerException = null)
    : Exception(message, innerException)
{
    public Refusal Reason { get; } = reason;

    /// <summary>When the same will be possible; null when nobody can tell.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Where the next piece of the upload begins; null when it is no question of uploads.</summary>
    public long? UploadOffset { get; init; }

    /// <summary>How many bytes must be free above the reserve for the same to be possible; null when it is no question of room.</summary>
    public long? NeededBytes { get; init; }
}
