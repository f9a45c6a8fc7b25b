using System.Text;
using System.Text.RegularExpressions;

namespace StorageHost.Qemu.Foreign;

/// <summary>
/// The text in a VMDK file that says what the image is made of. It may name any file of this machine, so only one is let through that
/// names nothing but the file itself.
/// </summary>
internal static partial class VmdkDescriptor
{
    /// <summary>QEMU reads less of it: what stands behind no one has looked at.</summary>
    public const int MaxBytes = 20 * 512;

    /// <summary>What is wrong with it; null when nothing is.</summary>
    /// <param name="bytes">All of it.</param>
    /// <param name="isCompressed">Whether the header says that the data is compressed.</param>
    public static string? FindFault(ReadOnlySpan<byte> bytes, bool isCompressed)
    {
        // QEMU looks for this word wherever it stands, in a comment and behind a zero too.
        if (bytes.IndexOf("parentFileNameHint"u8) >= 0)
        {
            return "the VMDK image differs from another one; make it one file first (vmware-vdiskmanager -r)";
        }

        var text = Encoding.Latin1.GetString(bytes[..(bytes.IndexOf((byte)0) is >= 0 and var end ? end : bytes.Length)]);
        string[] lines = [.. text.Split('\n').Select(line => line.Trim(' ', '\t', '\r')).Where(line => line.Length > 0 && line[0] != '#')];
        string[] types = [.. Values(lines, "createType")];
        var wanted = isCompressed ? "streamOptimized" : "monolithicSparse";
        return types is not [var type] ? "the VMDK descriptor does not say of which type the image is"
            : type is not ("monolithicSparse" or "streamOptimized")
                ? "the VMDK image is of another type than monolithicSparse and streamOptimized: its data may lie in other files"
            : type != wanted ? $"the VMDK descriptor says {type}, the header {wanted}"
            : text.Split("createType").Length != 2 ? "the VMDK descriptor says twice of which type the image is"
            : Values(lines, "parentCID").Any(parent => !parent.Equals("ffffffff", StringComparison.OrdinalIgnoreCase))
                ? "the VMDK image differs from another one; make it one file first (vmware-vdiskmanager -r)"
            : lines.Count(line => Extent().IsMatch(line)) != 1 ? "the VMDK image has not exactly one extent"
            : !lines.Any(line => OwnExtent().IsMatch(line)) ? "the VMDK extent is none of the image itself"
            : null;
    }

    private static IEnumerable<string> Values(string[] lines, string key) => lines.Select(line => line.Split('=', 2))
        .Where(pair => pair.Length == 2 && pair[0].Trim().Equals(key, StringComparison.OrdinalIgnoreCase))
        .Select(pair => pair[1].Trim().Trim('"'));

    [GeneratedRegex(@"^(RW|RDONLY|NOACCESS)\s", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture)]
    private static partial Regex Extent();

    [GeneratedRegex(
        """^(RW|RDONLY)[ \t]+[0-9]+[ \t]+SPARSE[ \t]+"[^"/\\]*"$""", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex OwnExtent();
}
