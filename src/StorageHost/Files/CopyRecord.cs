using System.Globalization;
using System.Numerics;
using Microsoft.Win32.SafeHandles;
using StorageHost.Images;

namespace StorageHost.Files;

/// <summary>
/// What a copy remembers of its origin, in the extended attribute <c>user.storagehost.copy</c>: the template's size, modification time
/// and inode, and the digest of the content. The copy also bears the template's modification time, so that a copy which anybody has
/// written to since no longer looks like one.
/// </summary>
internal static unsafe class CopyRecord
{
    private const string Attribute = "user.storagehost.copy";
    private const string Version = "1";
    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>Finds out at once, and not when the first copy is made, that a file system cannot hold the record.</summary>
    /// <exception cref="RefusedException">StorageUnavailable: there are no user extended attributes.</exception>
    public static void Require(SafeFileHandle file)
    {
        try
        {
            Attributes.Set(file, "a probe", Attribute, "probe");
        }
        catch (StorageException exception) when (exception.Errno == Errno.NotSupported)
        {
            throw new RefusedException(Refusal.StorageUnavailable, "the storage directory's file system has no user extended attributes", exception);
        }
    }

    public static void Write(SafeFileHandle file, string name, Fingerprint of, string digest)
    {
        Attributes.Set(file, name, Attribute, string.Create(CultureInfo.InvariantCulture, $"{Version} {of.Size} {of.ModifiedNs} {of.Inode} {digest}"));

        var times = stackalloc TimeSpec[2];
        var nanoseconds = ((of.ModifiedNs % NanosecondsPerSecond) + NanosecondsPerSecond) % NanosecondsPerSecond;
        times[0] = times[1] = new TimeSpec { Seconds = (of.ModifiedNs - nanoseconds) / NanosecondsPerSecond, Nanoseconds = nanoseconds };
        if (Syscalls.SetTimes(file, times) < 0)
        {
            throw Mount.Failed("futimens", name);
        }
    }

    /// <summary>Reads the record; null when there is none, or none that we understand.</summary>
    public static Fingerprint? Read(SafeFileHandle file, string name) =>
        Attributes.Get(file, name, Attribute)?.Split(' ') is [Version, var size, var modified, var inode, _]
            && long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes)
            && long.TryParse(modified, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var nanoseconds)
            && ulong.TryParse(inode, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? new Fingerprint(bytes, nanoseconds, number)
            : null;

    /// <summary>Whether a newer daemon wrote the record: what it means is not known here, so the copy is that daemon's to judge.</summary>
    public static bool IsNewer(SafeFileHandle file, string name) =>
        BigInteger.TryParse(Attributes.Get(file, name, Attribute)?.Split(' ')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var version)
            && version > BigInteger.Parse(Version, CultureInfo.InvariantCulture);

    /// <summary>Whether a file is an untouched, unnamed copy of that state of the template.</summary>
    public static bool IsWhole(in FileStat stat, Fingerprint? recorded, Fingerprint template) =>
        stat.IsRegular && stat.Links == 1 && recorded == template && stat.Fingerprint.Size == template.Size && stat.Fingerprint.ModifiedNs == template.ModifiedNs;
}
