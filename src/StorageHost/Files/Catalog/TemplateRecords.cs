using System.Globalization;
using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Posix;
using StorageHost.Images.Templates;

namespace StorageHost.Files.Catalog;

/// <summary>
/// Keeps a <see cref="TemplateRecord"/> in the extended attribute <c>user.storagehost.template</c>, with the size and modification
/// time that the file had then: of a file that somebody has written to since, it says nothing.
/// </summary>
internal static class TemplateRecords
{
    private const string Attribute = "user.storagehost.template";
    private const string Version = "1";

    /// <summary>Makes a file, to which nobody writes any more, bear the record.</summary>
    /// <returns>The file's state, which later writing would change.</returns>
    public static FileStat Write(SafeFileHandle file, string name, TemplateRecord record)
    {
        // Set to what it is: then every node of a Gluster volume shows the same (CopyRecord has the reason).
        CopyRecord.SetTime(file, name, DirectoryHandle.Stat(file, name).Fingerprint.ModifiedNs);
        var stat = DirectoryHandle.Stat(file, name);
        var (size, modified, created) = (stat.Fingerprint.Size, stat.Fingerprint.ModifiedNs, record.Created.ToUnixTimeMilliseconds());
        ExtendedAttributes.Set(file, name, Attribute, string.Create(
            CultureInfo.InvariantCulture, $"{Version} {size} {modified} {created} {record.Sha256} {record.Source}"));
        return stat;
    }

    /// <summary>Reads the record of a file in that state; null when there is none of that state, or none that we understand.</summary>
    public static TemplateRecord? Read(SafeFileHandle file, string name, Fingerprint state) =>
        ExtendedAttributes.Get(file, name, Attribute)?.Split(' ', 6)
            is [Version, var size, var modified, var created, var sha256, var source]
        && size == state.Size.ToString(CultureInfo.InvariantCulture)
        && modified == state.ModifiedNs.ToString(CultureInfo.InvariantCulture)
        && long.TryParse(created, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)
        && milliseconds <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
            ? new TemplateRecord(source, DateTimeOffset.FromUnixTimeMilliseconds(milliseconds), sha256)
            : null;
}
