using StorageHost.Images.Names;

namespace StorageHost.Images.Jobs;

/// <summary>What a job does.</summary>
internal enum JobKind
{
    /// <summary>Brings a pool to its wanted level.</summary>
    Fill,

    /// <summary>Publishes one disk for a caller who did not wait.</summary>
    SetImage,

    /// <summary>Brings a template onto the volume.</summary>
    Import,
}

/// <summary>Where a job stands.</summary>
internal enum JobState
{
    /// <summary>Nothing was copied yet.</summary>
    Queued,

    /// <summary>Copying.</summary>
    Running,

    /// <summary>Done.</summary>
    Succeeded,

    /// <summary>Given up; the error says why.</summary>
    Failed,

    /// <summary>Cancelled by a client, or no longer needed.</summary>
    Cancelled,
}

/// <summary>A job at one moment.</summary>
/// <param name="Id">Its id in <c>/jobs/{id}</c>.</param>
/// <param name="Kind">What it does.</param>
/// <param name="Image">The image that it copies.</param>
/// <param name="Hostname">For <see cref="JobKind.SetImage"/>: whose disk it makes.</param>
/// <param name="State">Where it stands.</param>
/// <param name="CopiesDone">Copies, or templates, that are whole.</param>
/// <param name="CopiesTotal">Copies that it is to make.</param>
/// <param name="BytesDone">Bytes of copies behind it, holes counted as if they were written.</param>
/// <param name="BytesTotal">Bytes of all its copies.</param>
/// <param name="BytesPerSecond">Mean rate since its copying began; 0 before.</param>
/// <param name="Eta">How long it will take at that rate; null when nobody can tell.</param>
/// <param name="Error">Why it failed, or what it waits out before it tries again; else null.</param>
/// <param name="Disk">For a finished <see cref="JobKind.SetImage"/>: the disk.</param>
/// <param name="Created">When it was asked for.</param>
/// <param name="Ended">When it ended; null while it has not.</param>
internal sealed record JobStatus(
    string Id,
    JobKind Kind,
    ImageName Image,
    Hostname? Hostname,
    JobState State,
    int CopiesDone,
    int CopiesTotal,
    long BytesDone,
    long BytesTotal,
    long BytesPerSecond,
    TimeSpan? Eta,
    string? Error,
    PublishedDisk? Disk,
    DateTimeOffset Created,
    DateTimeOffset? Ended)
{
    /// <summary>For one that was refused something: what for; else null.</summary>
    public Refusal? Refusal { get; init; }
}
