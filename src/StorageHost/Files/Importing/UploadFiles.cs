using System.Globalization;
using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images.Names;
using StorageHost.Images.Templates;

namespace StorageHost.Files.Importing;

/// <summary>What the volume knows of an upload.</summary>
/// <param name="Status">What it is to be, and how much is durable.</param>
/// <param name="Parts">Where in the upload each part begins.</param>
/// <param name="Writer">The mount through which the last part is written.</param>
internal sealed record StoredUpload(UploadStatus Status, IReadOnlyList<long> Parts, string Writer);

/// <summary>
/// Uploads as they lie on the volume: an empty file for each, <c>.storagehost/uploads/&lt;id&gt;</c>, whose extended attributes say what
/// it is to be and how much of it is durable; and what has come, in <c>.storagehost/uploads/parts/&lt;id&gt;.&lt;n&gt;</c>.
/// </summary>
/// <remarks>
/// On a volume with shards a client that has looked at a file goes on believing in the size that it had (10.3): what another one adds it
/// does not see. So a part is written through one mount only, and nobody else looks at it while it grows.
/// </remarks>
internal static class UploadFiles
{
    public const string Folder = $"{PrivateDirectory.Root}/uploads";

    private const string PartFolder = $"{Folder}/parts";
    private const string Wanted = "user.storagehost.upload";
    private const string Durable = "user.storagehost.upload.durable";
    private const string Successor = "user.storagehost.upload.successor";
    private const string Version = "1";
    private const string None = "-";

    public static string NameOf(UploadId id) => $"{Folder}/{id}";

    public static string PartOf(UploadId id, int number) => string.Create(CultureInfo.InvariantCulture, $"{PartFolder}/{id}.{number}");

    /// <summary>Makes the file of a new upload, durably.</summary>
    public static void Create(VolumeSession session, Upload upload)
    {
        session.Mount.MakeDirectory(Folder);
        session.Mount.MakeDirectory(PartFolder);
        using var file = session.Private.NewFile(PrivateKind.Making, upload.Image.Text);
        file.Handle = session.Mount.Open(file.Name, Syscalls.ReadWrite | Syscalls.Create | Syscalls.Exclusive, 0x180 /* 0600 */);
        ExtendedAttributes.Set(file.Handle, file.Name, Wanted, Format(upload));
        Write(file.Handle, new StoredUpload(new UploadStatus(upload, 0, upload.Created), [], None));
        if (!session.Mount.TryRename(file.Name, NameOf(upload.Id)))
        {
            throw new StorageException("rename", file.Name, Errno.NoEntry);
        }

        DirectoryHandle.Sync(file.Handle, NameOf(upload.Id));
    }

    /// <summary>Says how it stands, durably; of what is said to be durable, that must be true.</summary>
    public static void Write(SafeFileHandle file, StoredUpload upload)
    {
        var (name, status) = (NameOf(upload.Status.Upload.Id), upload.Status);
        ExtendedAttributes.Set(file, name, Durable, string.Create(
            CultureInfo.InvariantCulture,
            $"{status.Offset} {status.Continued.ToUnixTimeMilliseconds()} {string.Join(',', upload.Parts)} {upload.Writer}"));
        DirectoryHandle.Sync(file, name);
    }

    /// <summary>How an upload stands; null when the file is none, or one of a newer version.</summary>
    public static StoredUpload? Read(SafeFileHandle file, UploadId id, FileNames names)
    {
        var name = NameOf(id);
        return ExtendedAttributes.Get(file, name, Durable)?.Split(' ', 4) is [var offset, var continued, var parts, var writer]
            && TryNumber(offset, out var durable) && TryTime(continued, out var time)
            && Parse(id, ExtendedAttributes.Get(file, name, Wanted), names) is { } upload
                ? new StoredUpload(new UploadStatus(upload, durable, time), Numbers(parts), writer)
                : null;
    }

    /// <summary>Removes an upload, its parts first; false when it was gone.</summary>
    public static bool Remove(DirectoryHandle mount, UploadId id, FileNames names)
    {
        using var file = mount.TryOpenRegular(NameOf(id));
        if (file is not null && Read(file, id, names) is { } stored)
        {
            for (var number = 0; number < stored.Parts.Count; number++)
            {
                mount.TryUnlink(PartOf(id, number));
            }
        }

        return mount.TryUnlink(NameOf(id));
    }

    /// <summary>Asks whoever continues it to end, since somebody else wants to go on.</summary>
    public static void Ask(SafeFileHandle file, UploadId id) => ExtendedAttributes.Set(file, NameOf(id), Successor, Version);

    /// <summary>Takes such a question back.</summary>
    public static void Unask(SafeFileHandle file, UploadId id) => ExtendedAttributes.Remove(file, NameOf(id), Successor);

    /// <summary>Whether whoever continues it is to end: somebody else wants to go on, or it was removed.</summary>
    public static bool IsAsked(SafeFileHandle file, UploadId id) =>
        DirectoryHandle.StatNow(file, NameOf(id)).Links == 0 || ExtendedAttributes.Get(file, NameOf(id), Successor) is not null;

    private static string Format(Upload upload) => string.Create(
        CultureInfo.InvariantCulture,
        $"{Version} {upload.Image} {upload.Length} {upload.Created.ToUnixTimeMilliseconds()} {upload.Sha256 ?? None} "
            + $"{(upload.Format is { } format ? format.ToString() : None)} {upload.Replace}");

    private static Upload? Parse(UploadId id, string? text, FileNames names) =>
        text?.Split(' ') is [Version, var image, var length, var created, var sha256, var format, var replace]
        && names.ParseImage(image, out var parsed) is null
        && TryNumber(length, out var bytes) && TryTime(created, out var time) && bool.TryParse(replace, out var replaces)
            ? new Upload(
                id, parsed, bytes, sha256 == None ? null : sha256,
                Enum.TryParse<ImageFormat>(format, out var known) ? known : null, replaces, time)
            : null;

    private static long[] Numbers(string text) =>
        [.. text.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(each => TryNumber(each, out var number) ? number : 0)];

    private static bool TryNumber(string text, out long number) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private static bool TryTime(string text, out DateTimeOffset time)
    {
        var isOne = TryNumber(text, out var milliseconds) && milliseconds <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();
        time = isOne ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds) : default;
        return isOne;
    }
}
