using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Disks;
using StorageHost.Images.Names;

namespace StorageHost.Files.Catalog;

/// <summary>
/// Keeps a disk's <see cref="RequestMark"/> in the extended attribute <c>user.storagehost.request</c>: a line for each part.
/// </summary>
internal static class RequestMarks
{
    private const string Attribute = "user.storagehost.request";

    /// <summary>
    /// Marks a file that has only its private name, and with that name; publishing makes the mark durable with the final name.
    /// </summary>
    public static void Write(SafeFileHandle file, string name, RequestMark? mark)
    {
        if (mark is not null)
        {
            ExtendedAttributes.Set(file, name, Attribute, $"{Format(mark)}\n{name}");
        }
    }

    /// <summary>
    /// Whether a daemon that answered the same request has removed the private name, and so committed for the publisher.
    /// </summary>
    /// <remarks>It says so in the mark. The number of names would tell as well, but not at once: Gluster's client remembers it.</remarks>
    public static bool IsCommitted(SafeFileHandle file, string name, RequestMark? own) => own is not null
        && Parse(ExtendedAttributes.Get(file, name, Attribute)) is { Made: { } made, PrivateName: "" } && own.IsOf(made);

    /// <summary>Takes the mark off a copy that goes back to its pool: it is for whoever comes next.</summary>
    public static void Clear(SafeFileHandle file, string name) => ExtendedAttributes.Remove(file, name, Attribute);

    /// <summary>
    /// The mark of a disk that was made for this very request, and is durable now; null when there is no such disk of that name.
    /// </summary>
    /// <param name="mount">Where.</param>
    /// <param name="disk">The disk's name.</param>
    /// <param name="wanted">The request; null when it has no name.</param>
    /// <param name="tryRemove">Removes a private name for good, as its publisher would.</param>
    /// <exception cref="RefusedException">StorageUnavailable: the disk is just being published.</exception>
    public static RequestMark? Find(DirectoryHandle mount, FileName disk, RequestMark? wanted, Func<string, bool> tryRemove)
    {
        if (wanted is null)
        {
            return null;
        }

        using var file = mount.TryOpenRegular(disk.Text);
        var (made, privateName) = file is null ? default : Parse(ExtendedAttributes.Get(file, disk.Text, Attribute));
        if (!wanted.IsOf(made))
        {
            return null;
        }

        DirectoryHandle.Sync(file!, disk.Text);
        return TransientRetry.UntilForgotten(() => IsCommitted(mount, file!, disk, made!, privateName, tryRemove))
            ? made
            : throw new RefusedException(Refusal.StorageUnavailable, $"{disk} is just being published; send the same request again");
    }

    // Whoever made it may have died or may hang between giving it the name and the commit. So both is done here: the fsync, and the removal
    // of the private name. While the file has another name than these, it may be another daemon's.
    private static bool IsCommitted(
        DirectoryHandle mount, SafeFileHandle file, FileName disk, RequestMark made, string privateName, Func<string, bool> tryRemove)
    {
        var stat = DirectoryHandle.StatNow(file, disk.Text);
        if (stat.Links == 2 && PrivateNames.IsPrivate(privateName) && tryRemove(privateName))
        {
            ExtendedAttributes.Set(file, disk.Text, Attribute, Format(made));
            stat = DirectoryHandle.StatNow(file, disk.Text);
        }

        return stat.Links == 1 && DirectoryHandle.StatSynced(file, disk.Text).Links == 1 && mount.LeadsTo(disk.Text, stat);
    }

    private static string Format(RequestMark mark) => $"{mark.Key}\n{mark.Request}\n{mark.Source}";

    private static (RequestMark? Made, string PrivateName) Parse(string? text) =>
        text?.Split('\n') is [var key, var request, var source, .. var rest]
            ? (new RequestMark(
                key, request, Enum.TryParse<DiskSource>(source, out var known) ? known : null), rest is [var name] ? name : "")
            : default;
}
