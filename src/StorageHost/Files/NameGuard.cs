using Microsoft.Win32.SafeHandles;
using StorageHost.Images;

namespace StorageHost.Files;

/// <summary>
/// Publishes under a name that several nodes may want at the same moment. On a distribute volume <c>link</c> alone does not decide:
/// two files on different bricks were both given one name (seen: once in some 700 raced names), since the name is looked up first and
/// linked then. So on Gluster the name is locked across both.
/// </summary>
internal static class NameGuard
{
    private const string Gluster = "fuse.glusterfs";

    /// <summary>As <see cref="Publishing.Publish"/>; Taken also when another node is about to give the name away.</summary>
    public static Publishing.Outcome Publish(VolumeSession session, SafeFileHandle file, string from, FileName to, Func<bool> tryAnswer)
    {
        if (session.MountPoint.FileSystemType != Gluster)
        {
            return Publishing.Publish(session.Mount, file, from, to, tryAnswer);
        }

        var name = $"{LockFile.PoolFolder}/name-{to}";
        using var held = LockFile.TryAcquire(session.Mount, name);
        if (held is null)
        {
            return Publishing.Outcome.Taken;
        }

        try
        {
            return Publishing.Publish(session.Mount, file, from, to, tryAnswer);
        }
        finally
        {
            session.Mount.TryUnlink(name);
        }
    }
}
