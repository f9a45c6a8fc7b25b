using Microsoft.Win32.SafeHandles;
using StorageHost.Images;

namespace StorageHost.Files;

/// <summary>Keeps a disk's <see cref="RequestMark"/> in the extended attribute <c>user.storagehost.request</c>: a line for each part.</summary>
internal static class RequestMarks
{
    private const string Attribute = "user.storagehost.request";

    /// <summary>Marks a file that has no final name yet; publishing makes the mark durable with the name.</summary>
    public static void Write(SafeFileHandle file, string name, RequestMark? mark)
    {
        if (mark is not null)
        {
            Attributes.Set(file, name, Attribute, $"{mark.Key}\n{mark.Request}\n{mark.Source}");
        }
    }

    /// <summary>Takes the mark off a copy that goes back to its pool: it is for whoever comes next.</summary>
    public static void Clear(SafeFileHandle file, string name) => Attributes.Remove(file, name, Attribute);

    /// <summary>The mark of a disk that was made for this very request, and is durable now; null when there is no such disk of that name.</summary>
    public static RequestMark? Find(Mount mount, FileName disk, RequestMark? wanted)
    {
        if (wanted is null)
        {
            return null;
        }

        using var file = mount.TryOpenRegular(disk.Text);
        var made = file is null ? null : Parse(Attributes.Get(file, disk.Text, Attribute));
        if (!wanted.IsOf(made))
        {
            return null;
        }

        // Whoever made it may have died between giving it the name and making that durable; or finds now that it cannot be.
        Mount.Sync(file!, disk.Text);
        return mount.TryStat(disk.Text, out var stat) && stat.Inode == Mount.Stat(file!, disk.Text).Inode
            ? made
            : throw new RefusedException(Refusal.StorageUnavailable, $"{disk} was withdrawn just now; the same request can be sent again");
    }

    private static RequestMark? Parse(string? text) => text?.Split('\n') is [var key, var request, var source]
        ? new RequestMark(key, request, Enum.TryParse<DiskSource>(source, out var known) ? known : null)
        : null;
}
