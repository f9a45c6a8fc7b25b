using Microsoft.Win32.SafeHandles;
using StorageHost.Images.Names;
using StorageHost.Images.Templates;

namespace StorageHost.Images.Pools;

/// <summary>What a copy was made from, and how it is told from one that somebody has written to since.</summary>
/// <param name="Template">The state of the template.</param>
/// <param name="TimeNs">The copy's own modification time when it was made, in nanoseconds since 1970.</param>
internal readonly record struct Origin(Fingerprint Template, long TimeNs)
{
    /// <summary>What it was made from; the time is only for who looks at the file.</summary>
    public static implicit operator Fingerprint(Origin origin) => origin.Template;
}

/// <summary>A ready copy in the pool, as it was when this daemon made it or first saw it.</summary>
/// <param name="Image">The image that it is a copy of.</param>
/// <param name="Number">Its number in <c>&lt;image&gt;_dup_&lt;n&gt;_ready</c>.</param>
/// <param name="Inode">Its own inode: tells it from a later copy of the same number.</param>
/// <param name="MadeFrom">The state of the template that it was made from; null when nobody recorded it, so that it is never handed
/// out.</param>
internal sealed record Copy(ImageName Image, int Number, ulong Inode, Origin? MadeFrom);

/// <summary>A file under a private name, in the making or claimed: this daemon's alone.</summary>
/// <param name="name">The name, relative to the storage directory.</param>
/// <param name="release">Called when its user is done with it; closes the handle without waiting.</param>
internal sealed class PrivateFile(string name, Action<PrivateFile> release) : IDisposable
{
    public string Name { get; set; } = name;

    /// <summary>The file, open, once somebody has opened it: what is done with it then needs no look-up.</summary>
    public SafeFileHandle? Handle { get; set; }

    /// <summary>Whether the session with the volume that it was made in has ended: others may have recovered it.</summary>
    public bool IsLost { get; set; }

    /// <summary>Says that nobody works on it any more: what is left of it is for recovery.</summary>
    public void Dispose() => release(this);
}

/// <summary>
/// A whole, checked, durable copy under a private name: this daemon's, to be published for one hostname or given to the pool.
/// </summary>
/// <param name="Image">The image that it is a copy of.</param>
/// <param name="File">Its private name.</param>
/// <param name="MadeFrom">What it was made from, and its own time.</param>
internal sealed record Claim(ImageName Image, PrivateFile File, Origin MadeFrom) : IDisposable
{
    /// <summary>Lets go of it: recovery gives it back to its pool.</summary>
    public void Dispose() => File.Dispose();
}
