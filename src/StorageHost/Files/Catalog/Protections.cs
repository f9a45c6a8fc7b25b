using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images.Names;

namespace StorageHost.Files.Catalog;

/// <summary>Which templates are protected: an empty file for each, <c>.storagehost/protected/&lt;image&gt;</c>.</summary>
internal static class Protections
{
    public const string Folder = $"{PrivateDirectory.Root}/protected";

    /// <summary>Protects a template, or no longer does.</summary>
    public static void Write(DirectoryHandle mount, ImageName image, bool isProtected)
    {
        mount.MakeDirectory(Folder);
        var name = $"{Folder}/{image}";
        using var file = mount.TryOpen(name, isProtected ? Syscalls.ReadWrite | Syscalls.Create : Syscalls.ReadOnly, 0x1a4 /* 0644 */);
        if (file is null || (!isProtected && !mount.TryUnlink(name)))
        {
            return;
        }

        // On Gluster only an fsync of the file makes durable that it has a name, or none any more.
        DirectoryHandle.Sync(file, name);
    }

    /// <summary>Whether a template is protected.</summary>
    public static bool Exists(DirectoryHandle mount, ImageName image) => mount.TryStat($"{Folder}/{image}", out _);

    /// <summary>All that are.</summary>
    public static HashSet<ImageName> Read(DirectoryHandle mount, FileNames names) =>
        [.. mount.TryList(Folder).Select(name => names.ParseImage(name, out var image) is null ? image : (ImageName?)null)
            .OfType<ImageName>()];
}
