using System.Globalization;
using System.Numerics;
using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Posix;
using StorageHost.Images.Pools;
using StorageHost.Images.Templates;

namespace StorageHost.Files.Catalog;

/// <summary>
/// What a copy remembers of its origin, in the extended attribute <c>user.storagehost.copy</c>: the template's size, modification time
/// and inode, and the digest of the content. The copy also bears the template's modification time, so that a copy which anybody has
/// written to since no longer looks like one. Where a time cannot be set back, it bears the time of its last write, and remembers that too.
/// </summary>
/// <remarks>
/// On a Gluster volume with shards (10.3) the node that wrote a file shows only times later than those it knows, until it forgets the file;
/// other nodes show what was set. A time that is set forward shows on all of them.
/// </remarks>
internal static unsafe class CopyRecord
{
    private const string Attribute = "user.storagehost.copy";
    private const string Version = "1";
    private const string VersionWithTime = "2";
    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>Makes a file, to which nobody writes any more, bear the mark of a copy of that state of the template.</summary>
    public static Origin Write(SafeFileHandle file, string name, Fingerprint of, string digest)
    {
        var record = string.Create(CultureInfo.InvariantCulture, $"{of.Size} {of.ModifiedNs} {of.Inode} {digest}");
        ExtendedAttributes.Set(file, name, Attribute, $"{Version} {record}");
        SetTime(file, name, of.ModifiedNs);
        var shown = DirectoryHandle.Stat(file, name).Fingerprint.ModifiedNs;
        if (shown != of.ModifiedNs)
        {
            ExtendedAttributes.Set(
                file, name, Attribute, string.Create(CultureInfo.InvariantCulture, $"{VersionWithTime} {record} {shown}"));
            SetTime(file, name, shown);
        }

        return new Origin(of, shown);
    }

    /// <summary>Makes a file nobody's copy for ever.</summary>
    public static void Remove(SafeFileHandle file, string name) => ExtendedAttributes.Remove(file, name, Attribute);

    /// <summary>Reads the record; null when there is none, or none that we understand.</summary>
    public static Origin? Read(SafeFileHandle file, string name) => ExtendedAttributes.Get(file, name, Attribute)?.Split(' ') switch
    {
        [Version, var size, var modified, var inode, _] => Parse(size, modified, inode, modified),
        [VersionWithTime, var size, var modified, var inode, _, var time] => Parse(size, modified, inode, time),
        _ => null,
    };

    /// <summary>Whether a newer daemon wrote the record: what it means is not known here, so the copy is that daemon's to judge.</summary>
    public static bool IsNewer(SafeFileHandle file, string name) =>
        BigInteger.TryParse(
            ExtendedAttributes.Get(file, name, Attribute)?.Split(' ')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var version)
            && version > BigInteger.Parse(VersionWithTime, CultureInfo.InvariantCulture);

    /// <summary>Whether a file is an untouched, unnamed copy of that state of the template.</summary>
    public static bool IsWhole(in FileStat stat, Origin? recorded, Fingerprint template) =>
        stat.IsRegular && stat.Links == 1 && recorded?.Template == template && stat.Fingerprint.Size == template.Size
        && stat.Fingerprint.ModifiedNs == recorded?.TimeNs;

    private static Origin? Parse(string size, string modified, string inode, string time) =>
        long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes)
        && long.TryParse(modified, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var nanoseconds)
        && ulong.TryParse(inode, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && long.TryParse(time, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var own)
            ? new Origin(new Fingerprint(bytes, nanoseconds, number), own)
            : null;

    /// <summary>Sets the modification time, in nanoseconds since 1970.</summary>
    internal static void SetTime(SafeFileHandle file, string name, long time)
    {
        var times = stackalloc TimeSpec[2];
        var nanoseconds = ((time % NanosecondsPerSecond) + NanosecondsPerSecond) % NanosecondsPerSecond;
        times[0] = times[1] = new TimeSpec { Seconds = (time - nanoseconds) / NanosecondsPerSecond, Nanoseconds = nanoseconds };
        if (Syscalls.SetTimes(file, times) < 0)
        {
            throw DirectoryHandle.Failed("futimens", name);
        }
    }
}
