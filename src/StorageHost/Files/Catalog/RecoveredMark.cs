using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Posix;

namespace StorageHost.Files.Catalog;

/// <summary>
/// Says of a copy, in the extended attribute <c>user.storagehost.recovered</c>, that a recovery gave it back to its pool. The daemon that
/// had claimed it may live, and still hold it.
/// </summary>
internal static class RecoveredMark
{
    private const string Attribute = "user.storagehost.recovered";

    /// <summary>Marks a file, before anybody else can claim it.</summary>
    public static void Write(SafeFileHandle file, string name) => ExtendedAttributes.Set(file, name, Attribute, "yes");

    /// <summary>Whether a file was ever recovered. Gluster's client asks the bricks for such an attribute each time.</summary>
    public static bool IsOn(SafeFileHandle file, string name) => ExtendedAttributes.Get(file, name, Attribute) is not null;
}
