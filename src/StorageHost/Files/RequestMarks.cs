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

        return TransientRetry.Until(() => IsCommitted(mount, file!, disk))
            ? made
            : throw new RefusedException(Refusal.StorageUnavailable, $"{disk} is just being published; send the same request again");
    }

    // Whoever made it may have died between giving it the name and making that durable. And while it has its private name as well, it may still
    // turn out to be what another daemon has claimed. The fsync brings the number of its names from the bricks.
    private static bool IsCommitted(Mount mount, SafeFileHandle file, FileName disk)
    {
        Mount.Sync(file, disk.Text);
        return Mount.StatNow(file, disk.Text) is { Links: 1 } stat && mount.LeadsTo(disk.Text, stat);
    }

    private static RequestMark? Parse(string? text) => text?.Split('\n') is [var key, var request, var source]
        ? new RequestMark(key, request, Enum.TryParse<DiskSource>(source, out var known) ? known : null)
        : null;
}
