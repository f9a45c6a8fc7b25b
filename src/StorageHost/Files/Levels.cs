using System.Globalization;
using System.Text;
using StorageHost.Images;

namespace StorageHost.Files;

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
            mount.TryUnlink($"{Folder}/{image}");
            return;
        }

        using var making = session.Private.NewFile(PrivateKind.Making);
        using var file = mount.Open(making.Name, Syscalls.ReadWrite | Syscalls.Create | Syscalls.Exclusive, 0x1a4 /* 0644 */);
        Blocks.Write(file, making.Name, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{level}\n")), 0);
        Mount.Sync(file, making.Name);
        if (!mount.TryRename(making.Name, $"{Folder}/{image}"))
        {
            throw new StorageException("rename", making.Name, Errno.NoEntry);
        }

        // On Gluster only an fsync of the file after the rename makes its new name durable.
        Mount.Sync(file, making.Name);
    }

    /// <summary>Reads the levels; what is not a level is left out.</summary>
    public static Dictionary<ImageName, int> Read(Mount mount, FileNames names)
    {
        var levels = new Dictionary<ImageName, int>();
        Span<byte> buffer = stackalloc byte[MaxLength];
        foreach (var name in mount.TryStat(Folder, out _) ? mount.List(Folder) : [])
        {
            if (names.ParseImage(name, out var image) is null && mount.TryOpenRegular($"{Folder}/{name}") is { } file)
            {
                using (file)
                {
                    var text = Encoding.ASCII.GetString(buffer[..Blocks.Read(file, name, buffer, 0)]);
                    if (int.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var level))
                    {
                        levels[image] = level;
                    }
                }
            }
        }

        return levels;
    }
}
