using System.Globalization;
using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Posix;
using StorageHost.Images.Templates;

namespace StorageHost.Files.Catalog;

/// <summary>
/// The format that a copy had when it was made, in the extended attribute <c>user.storagehost.format</c>. A guest with a raw disk may write
/// what it likes into the first sector, the header of a qcow2 that names a template among them; it stays a raw disk.
/// </summary>
internal static class PublishedFormat
{
    private const string Attribute = "user.storagehost.format";
    private const string Raw = "raw";
    private const string Qcow2 = "qcow2";

    /// <summary>Remembers the format and length of what is copied.</summary>
    public static void Write(SafeFileHandle file, string name, ImageFormat format, long length) => ExtendedAttributes.Set(
        file, name, Attribute, string.Create(CultureInfo.InvariantCulture, $"{(format == ImageFormat.Raw ? Raw : Qcow2)} {length}"));

    /// <summary>Whether a disk was published raw, so that what looks like a header in it is a guest's.</summary>
    /// <remarks>A guest cannot shorten its disk. What is shorter was made anew in the same file, with qemu-img create say.</remarks>
    public static bool IsRaw(SafeFileHandle file, string name) =>
        ExtendedAttributes.Get(file, name, Attribute)?.Split(' ') is [Raw, var text]
        && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var length)
        && DirectoryHandle.Stat(file, name).Fingerprint.Size >= length;
}
