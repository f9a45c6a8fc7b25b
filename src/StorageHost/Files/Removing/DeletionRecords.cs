using System.Globalization;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images.Names;

namespace StorageHost.Files.Removing;

/// <summary>What was deleted: under which name, and which file it was.</summary>
/// <param name="Inode">
/// The file's number. Gluster makes it of the file's gfid: it is the same on every node and as long as the file lives, and a new file gets
/// another.
/// </param>
/// <param name="File">The name.</param>
internal readonly record struct Deletion(ulong Inode, FileName File);

/// <summary>
/// The records of deletions: an empty file for each, <c>.storagehost/deleted/&lt;inode&gt;-&lt;name&gt;</c>, made before the name goes. So
/// the volume itself says, after any crash and on every node, that a file which has its old name again is one that nobody wants.
/// </summary>
internal static class DeletionRecords
{
    public const string Folder = $"{PrivateDirectory.Root}/deleted";

    private const int Digits = 16;

    /// <summary>Makes a record, durably.</summary>
    public static void Write(DirectoryHandle mount, Deletion deletion)
    {
        const int Flags = Syscalls.ReadWrite | Syscalls.Create;
        const uint Mode = 0x180; // 0600
        var name = Name(deletion);
        var file = mount.TryOpen(name, Flags, Mode);
        if (file is null)
        {
            mount.MakeDirectory(Folder);
            file = mount.Open(name, Flags, Mode);
        }

        using (file)
        {
            DirectoryHandle.Sync(file, name);
        }
    }

    /// <summary>Removes a record. One that comes back, or goes unseen on some node, harms nobody.</summary>
    public static void Remove(DirectoryHandle mount, Deletion deletion) => mount.TryUnlink(Name(deletion));

    /// <summary>The records that stand.</summary>
    /// <param name="mount">Where.</param>
    /// <param name="names">Which names there may be.</param>
    public static IEnumerable<Deletion> Read(DirectoryHandle mount, FileNames names) =>
        mount.TryList(Folder).Select(name => Parse(name, names)).OfType<Deletion>();

    private static string Name(Deletion deletion) =>
        string.Create(CultureInfo.InvariantCulture, $"{Folder}/{deletion.Inode:x16}-{deletion.File}");

    private static Deletion? Parse(string name, FileNames names) =>
        name.Length > Digits && name[Digits] == '-'
        && ulong.TryParse(name.AsSpan(0, Digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var inode)
        && names.Classify(name[(Digits + 1)..]) is { } entry
            ? new Deletion(inode, entry.File)
            : null;
}
