using StorageHost.Files.Posix;

namespace StorageHost.Files.Session;

/// <summary>
/// The storage directory while it is mounted, with this daemon's private directory on it, and its right to give names there.
/// </summary>
internal sealed record VolumeSession(DirectoryHandle Mount, PrivateDirectory Private, NameLock Names, MountPoint MountPoint) : IDisposable
{
    /// <summary>For a session that nobody took up: nothing of it stays.</summary>
    public void Dispose()
    {
        Private.Discard(Mount);
        Names.Dispose();
        Mount.Dispose();
    }
}
