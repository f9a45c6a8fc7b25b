using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images.Names;

namespace StorageHost.Files.Catalog;

/// <summary>The wanted levels: one small file for each image, <c>.storagehost/levels/&lt;image&gt;</c>, replaced atomically.</summary>
internal static class Levels
{
    private const string Folder = $"{PrivateDirectory.Root}/levels";
    private const int MaxLength = 16;

    /// <summary>Sets a level; 0 forgets it.</summary>
    public static void Write(VolumeSession session, ImageName image, int level)
    {
        var mount = session.Mount;
        mount.MakeDirectory(Folder);
        if (level == 0)
        {
            Forget(mount, $"{Folder}/{image}");
            return;
        }

        using var making = session.Private.NewFile(PrivateKind.Making);
        using var file = mount.Open(making.Name, Syscalls.ReadWrite | Syscalls.Create | Syscalls.Exclusive, 0x1a4 /* 0644 */);
        Blocks.Write(file, making.Name, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{level}\n")), 0);
        DirectoryHandle.Sync(file, making.Name);
        if (!mount.TryRename(making.Name, $"{Folder}/{image}"))
        {
            throw new StorageException("rename", making.Name, Errno.NoEntry);
        }

        // On Gluster only an fsync of the file after the rename makes its new name durable.
        DirectoryHandle.Sync(file, making.Name);
    }

    /// <summary>Whether an image has a level.</summary>
    public static bool Exists(DirectoryHandle mount, ImageName image) => mount.TryStat($"{Folder}/{image}", out _);

    /// <summary>Reads the levels; what is not a level is left out. Null when nobody can tell which there are.</summary>
    /// <param name="mount">Where.</param>
    /// <param name="names">Which images there may be.</param>
    /// <param name="unreadable">Keeps what cannot be read.</param>
    /// <param name="unknown">Takes up the images whose levels cannot be read.</param>
    public static Dictionary<ImageName, int>? Read(
        DirectoryHandle mount, FileNames names, UnreadableFiles unreadable, HashSet<ImageName> unknown)
    {
        if (!unreadable.TryUse(Folder, () => mount.TryList(Folder), out var listed))
        {
            return null;
        }

        var levels = new Dictionary<ImageName, int>();
        foreach (var name in listed)
        {
            if (names.ParseImage(name, out var image) is not null)
            {
                continue;
            }

            if (!unreadable.TryUse($"{Folder}/{name}", () => TryRead(mount, $"{Folder}/{name}"), out var level))
            {
                unknown.Add(image);
            }
            else if (level is { } set)
            {
                levels[image] = set;
            }
        }

        return levels;
    }

    // Not written as 0, which a full volume would refuse. On Gluster only an fsync of the file makes durable that it has no name any more.
    private static void Forget(DirectoryHandle mount, string name)
    {
        using var file = TryHold(mount, name);
        if (file is null && !mount.TryStat(name, out _))
        {
            return;
        }

        if (mount.TryUnlink(name) && file is not null)
        {
            DirectoryHandle.Sync(file, name);
        }
    }

    // Gluster's client opens a file in truth when something is first done with it, and then, as while it remembers an older one of the
    // name, it may be another node that has removed it.
    private static SafeFileHandle? TryHold(DirectoryHandle mount, string name)
    {
        SafeFileHandle? file = null;
        try
        {
            file = mount.TryOpen(name);
            if (file is not null)
            {
                DirectoryHandle.Sync(file, name);
            }

            return file;
        }
        catch (StorageException exception) when (exception.Errno is Errno.NoEntry or Errno.Stale)
        {
            file?.Dispose();
            return null;
        }
    }

    private static int? TryRead(DirectoryHandle mount, string name)
    {
        using var file = mount.TryOpenRegular(name);
        Span<byte> buffer = stackalloc byte[MaxLength];
        return file is not null
            && int.TryParse(
                Encoding.ASCII.GetString(buffer[..Blocks.Read(file, name, buffer, 0)]).Trim(), NumberStyles.None,
                CultureInfo.InvariantCulture, out var level)
            ? level
            : null;
    }
}
