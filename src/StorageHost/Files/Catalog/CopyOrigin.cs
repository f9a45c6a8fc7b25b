using System.Globalization;
using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Posix;

namespace StorageHost.Files.Catalog;

/// <summary>
/// What a file was made of and when, in the extended attribute <c>user.storagehost.origin</c>. It stays on the disk that a copy becomes.
/// </summary>
/// <param name="Image">The image that it is a copy of, as text to be parsed; empty for a data disk.</param>
/// <param name="VirtualBytes">The size that a guest would have seen when it was made, in bytes.</param>
/// <param name="CreatedMs">When it was made, in milliseconds since 1970.</param>
internal sealed record CopyOrigin(string Image, long VirtualBytes, long CreatedMs)
{
    private const string Attribute = "user.storagehost.origin";
    private const string Version = "1";

    /// <summary>Remembers it.</summary>
    public void Write(SafeFileHandle file, string name) => ExtendedAttributes.Set(
        file, name, Attribute, string.Create(CultureInfo.InvariantCulture, $"{Version} {VirtualBytes} {CreatedMs} {Image}"));

    /// <summary>Reads it; null when there is none, or none that we understand.</summary>
    public static CopyOrigin? Read(SafeFileHandle file, string name) =>
        ExtendedAttributes.Get(file, name, Attribute)?.Split(' ') is [Version, var size, var created, var image]
            && long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes)
            && long.TryParse(created, NumberStyles.None, CultureInfo.InvariantCulture, out var time)
            ? new CopyOrigin(image, bytes, time)
            : null;
}
