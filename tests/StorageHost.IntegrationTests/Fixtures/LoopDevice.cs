using System.Globalization;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>A local file system in a sparse file. The sweep takes it down.</summary>
internal static class LoopDevice
{
    /// <summary>Makes an XFS and mounts it.</summary>
    /// <param name="directory">The folder that gets the file and the mount point.</param>
    /// <param name="name">Its name there.</param>
    /// <param name="size">Its size, as truncate takes it.</param>
    /// <param name="reflink">Whether files can share blocks.</param>
    /// <param name="inodes">What mkfs.xfs takes about inodes.</param>
    public static async Task<string> MountXfsAsync(string directory, string name, string size, bool reflink = true, string inodes = "size=512")
    {
        var file = Path.Combine(directory, $"{name}.xfs");
        var mountPoint = Path.Combine(directory, name);
        Directory.CreateDirectory(mountPoint);
        await Shell.RunAsync("truncate", "-s", size, file);
        await Shell.RunAsync("mkfs.xfs", "-q", "-f", "-i", inodes, "-m", $"reflink={(reflink ? 1 : 0)}", file);
        await MountAsync(file, mountPoint);
        return mountPoint;
    }

    /// <summary>Makes an ext4 that an error makes read-only, and mounts it.</summary>
    /// <param name="directory">The folder that gets the file and the mount point.</param>
    /// <param name="name">Its name there.</param>
    /// <param name="inodes">How many files it can hold.</param>
    /// <returns>The file, the device and the mount point.</returns>
    public static async Task<(string File, string Device, string MountPoint)> MountExt4Async(string directory, string name, int inodes)
    {
        var file = Path.Combine(directory, $"{name}.ext4");
        var mountPoint = Path.Combine(directory, name);
        Directory.CreateDirectory(mountPoint);
        await Shell.RunAsync("truncate", "-s", "64M", file);
        await Shell.RunAsync("mkfs.ext4", "-q", "-F", "-e", "remount-ro", "-N", inodes.ToString(CultureInfo.InvariantCulture), file);
        return (file, await MountAsync(file, mountPoint), mountPoint);
    }

    /// <summary>Mounts a file's file system.</summary>
    /// <returns>The device that it got.</returns>
    public static async Task<string> MountAsync(string file, string mountPoint)
    {
        await Shell.RunAsync("mount", "-o", "loop", file, mountPoint);
        return (await Shell.RunAsync("losetup", "-n", "-O", "NAME", "-j", file)).Trim();
    }
}
