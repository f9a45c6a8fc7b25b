using System.Globalization;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images.Names;
using StorageHost.Images.Templates;

namespace StorageHost.Files.Catalog;

/// <summary>The versions that are kept of templates: <c>.storagehost/versions/&lt;image&gt;.&lt;n&gt;</c>.</summary>
internal static class VersionFiles
{
    public const string Folder = $"{PrivateDirectory.Root}/versions";

    public static string NameOf(ImageName image, int number) => string.Create(CultureInfo.InvariantCulture, $"{Folder}/{image}.{number}");

    /// <summary>All that there are, in no order.</summary>
    public static List<(ImageName Image, int Number)> List(DirectoryHandle mount, FileNames names) =>
        [.. mount.TryList(Folder).Select(name => Parse(name, names)).OfType<(ImageName, int)>()];

    /// <summary>Those of one template, the latest first, each with its state.</summary>
    public static List<(int Number, FileStat Stat)> Of(DirectoryHandle mount, FileNames names, ImageName image) =>
    [
        .. List(mount, names).Where(version => version.Image == image).OrderByDescending(version => version.Number)
            .Select(version => (version.Number, Stat: mount.TryStat(NameOf(image, version.Number), out var stat) ? stat : (FileStat?)null))
            .Where(version => version.Stat is not null).Select(version => (version.Number, version.Stat!.Value)),
    ];

    /// <summary>Reads one; null when it is gone.</summary>
    public static TemplateVersion? Read(DirectoryHandle mount, ImageName image, int number)
    {
        var name = NameOf(image, number);
        using var file = mount.TryOpenRegular(name);
        return file is null ? null
            : DirectoryHandle.Stat(file, name).Fingerprint is var state
                ? new TemplateVersion(image, number, state, TemplateRecords.Read(file, name, state))
            : null;
    }

    /// <summary>Removes all of a template that is gone.</summary>
    public static void RemoveAll(DirectoryHandle mount, FileNames names, ImageName image)
    {
        foreach (var (_, number) in List(mount, names).Where(version => version.Image == image))
        {
            mount.TryUnlink(NameOf(image, number));
        }
    }

    private static (ImageName Image, int Number)? Parse(string name, FileNames names) =>
        name.LastIndexOf('.') is var dot and > 0
        && int.TryParse(name.AsSpan(dot + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && names.ParseImage(name[..dot], out var image) is null
            ? (image, number)
            : null;
}
