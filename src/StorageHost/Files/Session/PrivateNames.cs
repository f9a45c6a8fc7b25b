using System.Globalization;
using System.Text.RegularExpressions;
using StorageHost.Images.Names;

namespace StorageHost.Files.Session;

/// <summary>What a file under a private name is; it decides what recovery does with it.</summary>
internal enum PrivateKind
{
    /// <summary>A copy taken from a pool: with one name left it goes back.</summary>
    Claim,

    /// <summary>Anything in the making: it is deleted.</summary>
    Making,
}

/// <summary>
/// Private names: <c>claim-&lt;n&gt;-&lt;image&gt;</c> and <c>making/&lt;n&gt;-&lt;image&gt;</c> in the private directory; and
/// <c>.storagehost.&lt;directory&gt;.claim-&lt;n&gt;-&lt;image&gt;</c> beside the final names, where a quota asks for that.
/// </summary>
/// <remarks>
/// Other daemons list the claims, to count them. A node that lists a directory of a Gluster volume remembers for a second how large each
/// file in it was (10.3), also under the name that the file then gets in the volume's root: so what still grows lies where no other node
/// looks.
/// </remarks>
internal static partial class PrivateNames
{
    /// <summary>The folder for what is in the making.</summary>
    public const string Making = "making";

    private const string ClaimPrefix = "claim";

    public static string Of(PrivateKind kind, long number, string detail) =>
        string.Create(CultureInfo.InvariantCulture, $"{(kind == PrivateKind.Claim ? $"{ClaimPrefix}-" : $"{Making}/")}{number}-{detail}");

    /// <summary>The name beside the final ones that a private file gets where only a link within one directory is let through.</summary>
    /// <param name="directory">The daemon's private directory.</param>
    /// <param name="name">The file's name, in it or in the folder of uploads.</param>
    public static string Beside(string directory, string name) =>
        FileNames.Private(Path.GetFileName(directory), string.Join('-', name.Split('/')[2..]));

    /// <summary>The image of a claim, as text to be parsed; null when the name is no claim's.</summary>
    /// <param name="name">The name, in a private directory or beside the final ones.</param>
    public static string? ClaimedImage(string name) => name.Split('.', 4) is ["", "storagehost", _, var beside] ? ClaimedImage(beside)
        : name.Split('-', 3) is [ClaimPrefix, _, { Length: > 0 } image] ? image
        : null;

    /// <summary>The detail of a copy that is to become a disk of so many GiB. No image's name begins like that.</summary>
    public static string DetailOfSize(int sizeGb) => string.Create(CultureInfo.InvariantCulture, $".{sizeGb}G");

    /// <summary>The size that a copy was to have as a disk, in GiB; null when its private name says none.</summary>
    public static int? SizeOf(string name) =>
        SizedName().Match(name) is { Success: true } sized ? int.Parse(sized.Groups["size"].Value, CultureInfo.InvariantCulture) : null;

    /// <summary>Whether a path from the storage directory is one that a private file could have. An attribute may say anything.</summary>
    public static bool IsPrivate(string path) => PrivatePath().IsMatch(path);

    [GeneratedRegex(
        @"(^|[./])making[/-][0-9]+-\.(?<size>[1-9][0-9]{0,8})G\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex SizedName();

    [GeneratedRegex(
        @"^\.storagehost/[0-9a-f]{32}/(claim-|making/)[0-9]+-[A-Za-z0-9._-]*\z",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex PrivatePath();
}
