using System.Globalization;
using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Posix;

namespace StorageHost.Files.Catalog;

/// <summary>
/// Which image a copy is of, and which size its guest saw when it was made, in the extended attribute <c>user.storagehost.origin</c>. It
/// stays on the disk that the copy becomes.
/// </summary>
/// <param name="Image">The image's name, as text to be parsed.</param>
/// <param name="VirtualBytes">The virtual size of the template, in bytes.</param>
internal sealed record CopyOrigin(string Image, long VirtualBytes)
{
    private const string Attribute = "user.storagehost.origin";
    private const string Version = "1";

    /// <summary>Remembers it.</summary>
    public void Write(SafeFileHandle file, string name) => ExtendedAttributes.Set(
        file, name, Attribute, string.Create(CultureInfo.InvariantCulture, $"{Version} {Image} {VirtualBytes}"));

    /// <summary>Reads it; null when there is none, or none that we understand.</summary>
    public static CopyOrigin? Read(SafeFileHandle file, string name) =>
        ExtendedAttributes.Get(file, name, Attribute)?.Split(' ') is [Version, var image, var size]
            && long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes)
            ? new CopyOrigin(image, bytes)
            : null;
}
