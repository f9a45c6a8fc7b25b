using StorageHost.Images;

namespace StorageHost.Files;

/// <summary>A directory, opened to be listed once, and where it lies.</summary>
internal sealed record OpenedDirectory(Mount Mount, MountPoint Point) : IDisposable
{
    /// <summary>Opens a directory by its full path. Runs on storage threads only.</summary>
    public static OpenedDirectory Open(string path)
    {
        var mount = new Mount(Mount.OpenDirectory(path));
        if (MountTable.Of(mount.Directory) is { } point)
        {
            return new OpenedDirectory(mount, point);
        }

        mount.Dispose();
        throw new RefusedException(Refusal.StorageUnavailable, "the directory is not in the mount table");
    }

    public void Dispose() => Mount.Dispose();
}
