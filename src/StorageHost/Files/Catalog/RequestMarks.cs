using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Posix;
using StorageHost.Images;
using StorageHost.Images.Disks;
using StorageHost.Images.Names;

namespace StorageHost.Files.Catalog;

/// <summary>Keeps a disk's <see cref="RequestMark"/> in the extended attribute <c>user.storagehost.request</c>: a line for each part.</summary>
internal static class RequestMarks
{
    private const string Attribute = "user.storagehost.request";

    /// <summary>Marks a file that has only its private name, and with that name; publishing makes the mark durable with the final name.</summary>
    public static void Write(SafeFileHandle file, string name, RequestMark? mark)
    {
        if (mark is not null)
        {
            ExtendedAttributes.Set(file, name, Attribute, $"{mark.Key}\n{mark.Request}\n{mark.Source}\n{name}");
        }
    }

    /// <summary>Takes the mark off a copy that goes back to its pool: it is for whoever comes next.</summary>
    public static void Clear(SafeFileHandle file, string name) => ExtendedAttributes.Remove(file, name, Attribute);

    /// <summary>The mark of a disk that was made for this very request, and is durable now; null when there is no such disk of that name.</summary>
    public static RequestMark? Find(DirectoryHandle mount, FileName disk, RequestMark? wanted)
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

        return TransientRetry.Until(() => Stays(mount, file!, disk, privateName))
            ? made
            : throw new RefusedException(Refusal.StorageUnavailable, $"{disk} is just being published; send the same request again");
    }

    // Whoever made it may have died between giving it the name and making that durable; so it is done here. While the file has a second name
    // other than its private one, it may have been another daemon's claim before it got the final name, and lose that again.
    private static bool Stays(DirectoryHandle mount, SafeFileHandle file, FileName disk, string privateName)
    {
        var stat = DirectoryHandle.StatSynced(file, disk.Text);
        return mount.LeadsTo(disk.Text, stat) && (stat.Links == 1 || (stat.Links == 2 && privateName.Length > 0 && mount.LeadsTo(privateName, stat)));
    }

    private static (RequestMark? Made, string PrivateName) Parse(string? text) => text?.Split('\n') is [var key, var request, var source, .. var rest]
        ? (new RequestMark(key, request, Enum.TryParse<DiskSource>(source, out var known) ? known : null), rest is [var name] ? name : "")
        : default;
}
