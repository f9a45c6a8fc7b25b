using System.Globalization;
using System.Text.RegularExpressions;

namespace StorageHost.Images.Names;

/// <summary>
/// The one place that knows how names become files and back. The rules keep every file name the name of one thing only: a hostname
/// cannot look like a data disk, nor an image like a copy.
/// </summary>
internal sealed partial class FileNames(string templateSuffix)
{
    /// <summary>What the name of a system disk ends with.</summary>
    public const string DiskSuffix = ".qcow2";
    private const string NameRule = "1 to 100 characters, a letter or digit first, then letters, digits, '.', '_' or '-'";

    /// <summary>With one of these before it, a suffix that could end the name of a copy or a data disk makes one.</summary>
    private static readonly string[] Stems = ["a", "a_dup", "a_dup_1", "a_storage", "a_storage_1G"];

    /// <summary>Whether a template suffix keeps templates apart from disks and copies.</summary>
    public static bool IsTemplateSuffix(string suffix) =>
        SuffixPattern().IsMatch(suffix)
        && !suffix.EndsWith(DiskSuffix, StringComparison.Ordinal)
        && !Stems.Any(stem => CopyPattern().IsMatch(stem + suffix) || DataDiskPattern().IsMatch(stem + suffix));

    /// <summary>Parses an image name as a client or a directory gives it.</summary>
    /// <param name="text">The name; may be anything.</param>
    /// <param name="image">The name, when it is one.</param>
    /// <returns>Null when it is a name, else what would be right, to be read after the field's name.</returns>
    public string? ParseImage(string? text, out ImageName image)
    {
        image = default;
        if (text is null || !Plain().IsMatch(text))
        {
            return $"must be {NameRule}";
        }

        if (text.Contains("_dup_", StringComparison.Ordinal) || text.Contains(templateSuffix, StringComparison.Ordinal))
        {
            return $"must contain neither '_dup_' nor '{templateSuffix}'";
        }

        image = new ImageName(text);
        return null;
    }

    /// <summary>Parses a hostname as a client or a directory gives it; as <see cref="ParseImage"/>.</summary>
    public string? ParseHostname(string? text, out Hostname hostname)
    {
        hostname = default;
        if (text is null || !Plain().IsMatch(text))
        {
            return $"must be {NameRule}";
        }

        if (text.Contains("_storage_", StringComparison.Ordinal))
        {
            return "must not contain '_storage_'";
        }

        hostname = new Hostname(text);
        return null;
    }

    /// <summary>
    /// What keeps a name from being given to something new, to be read after the field's name; null when nothing does. What bears such a
    /// name already is served and deleted as ever.
    /// </summary>
    public static string? NewNameFault(string name) =>
        name.EndsWith('.') ? "must not end in '.': DNS takes a last dot for nothing, so two names would be one host" : null;

    public FileName Template(ImageName image) => new(image.Text + templateSuffix);

    public FileName Copy(ImageName image, int number) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{image.Text}_dup_{number}_ready"));

    public FileName SystemDisk(Hostname hostname) => new(hostname.Text + DiskSuffix);

    /// <summary>The name of a data disk; <paramref name="ordinal"/> 0 is the first of its size, later ones carry their number.</summary>
    public FileName DataDisk(Hostname hostname, int sizeGb, int ordinal) => new(string.Create(
        CultureInfo.InvariantCulture, $"{hostname.Text}_storage_{sizeGb}G{(ordinal == 0 ? "" : $"_{ordinal}")}"));

    /// <summary>Says what a file in the storage directory is, by its name; null when the name is none of ours.</summary>
    public VolumeEntry? Classify(string name)
    {
        var file = new FileName(name);
        if (PrivatePattern().Match(name) is { Success: true } own)
        {
            return new PrivateEntry(file, own.Groups["owner"].Value);
        }

        if (name.EndsWith(templateSuffix, StringComparison.Ordinal))
        {
            return ParseImage(name[..^templateSuffix.Length], out var image) is null ? new TemplateEntry(file, image) : null;
        }

        if (name.EndsWith(DiskSuffix, StringComparison.Ordinal))
        {
            return ParseHostname(name[..^DiskSuffix.Length], out var hostname) is null ? new SystemDiskEntry(file, hostname) : null;
        }

        if (CopyPattern().Match(name) is { Success: true } copy)
        {
            return ParseImage(copy.Groups["image"].Value, out var image) is not null ? null
                : copy.Groups["ready"].Success ? new CopyEntry(file, image, Number(copy)) : new LeftoverEntry(file, image);
        }

        return DataDiskPattern().Match(name) is { Success: true } data && ParseHostname(data.Groups["host"].Value, out var host) is null
            ? new DataDiskEntry(file, host, Number(data))
            : null;
    }

    /// <summary>Takes the name of a data disk as its host has it. What is wrong with it, in words; null when it is one.</summary>
    public string? ParseDataDisk(string? text, out DataDiskEntry? disk)
    {
        disk = text is null ? null : Classify(text) as DataDiskEntry;
        return disk is not null
            ? null
            : "must be a data disk's whole name, '<hostname>_storage_<size>G' or '<hostname>_storage_<size>G_<number>'";
    }

    /// <summary>Takes the name of any disk. What is wrong with it, in words; null when it is one.</summary>
    public string? ParseAnyDisk(string? text, out FileName disk)
    {
        var entry = text is null ? null : Classify(text);
        disk = entry?.File ?? default;
        return entry is SystemDiskEntry or DataDiskEntry
            ? null
            : "must be a disk's whole name, '<hostname>.qcow2', '<hostname>_storage_<size>G' or '<hostname>_storage_<size>G_<number>'";
    }

    /// <summary>The name beside the final ones of a file in the private directory of that name.</summary>
    public static string Private(string owner, string name) => $".storagehost.{owner}.{name}";

    private static int Number(Match match) => int.Parse(match.Groups["number"].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^[._-][A-Za-z0-9._-]{1,49}\z", RegexOptions.CultureInvariant)]
    private static partial Regex SuffixPattern();

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Plain();

    [GeneratedRegex(
        @"^\.storagehost\.(?<owner>[0-9a-f]{32})\.(claim|making)-[0-9]+-[^/]*\z",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex PrivatePattern();

    [GeneratedRegex(
        @"^(?<image>.+)_dup_(?<number>[1-9][0-9]{0,8})(?:(?<ready>_ready)|copying)\z",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex CopyPattern();

    [GeneratedRegex(
        @"^(?<host>.+)_storage_(?<number>[1-9][0-9]{0,8})G(_[1-9][0-9]{0,8})?\z",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex DataDiskPattern();
}
