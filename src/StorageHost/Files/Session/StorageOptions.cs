using StorageHost.Images.Ports;

namespace StorageHost.Files.Session;

/// <summary>The section <c>Storage</c>: the directory that is served and how long the daemon waits for it.</summary>
internal sealed class StorageOptions : IVolumePolicy
{
    /// <summary>The id of this image storage in <c>/imagestorages/{id}</c>.</summary>
    public string Id { get; init; } = "internal";

    /// <summary>The directory that holds templates, copies and disks: an absolute path. Required.</summary>
    public string Directory { get; init; } = "";

    /// <summary>
    /// What the served directory is called as a volume, unless it lies on a Gluster volume; by default its path, <c>home_flexvdi</c>.
    /// </summary>
    public string VolumeId { get => field.Length > 0 ? field : IdOf(Directory); init; } = "";

    /// <summary>Directories that are looked at beside the served one and never written to: their paths by their names.</summary>
    public IReadOnlyDictionary<string, string> ExtraVolumes { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>What a template's file name ends with.</summary>
    public string TemplateSuffix { get; init; } = "_template.img";

    /// <summary>
    /// The file system type that the directory must lie on, as the mount table names it (<c>fuse.glusterfs</c>); empty: any.
    /// </summary>
    public string RequireMount { get; init; } = "";

    /// <summary>How much of the volume stays free of copies, in percent of its size.</summary>
    public int ReservePercent { get; set; } = 5;

    /// <summary>
    /// How long one storage operation may take before its caller is told that the outcome is unknown. The breaker's sampling time goes by
    /// what it is at the start.
    /// </summary>
    public TimeSpan OperationTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The same for what moves data: a block of a copy, its fsync, a listing of the directory.</summary>
    public TimeSpan TransferTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How often the directory is read again, to see what other daemons and operators did.</summary>
    public TimeSpan RescanInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How often the index of the images, of the served and of the extra directories, is renewed.</summary>
    public TimeSpan IndexInterval { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How many threads make storage calls; as many calls can hang before others wait.</summary>
    public int Threads { get; init; } = 16;

    private static string IdOf(string directory)
    {
        var letters = directory.Trim('/').Select(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '-' ? letter : '_');
        var id = string.Concat(letters).TrimStart('.', '_', '-');
        return id.Length == 0 ? "images" : id[..Math.Min(id.Length, 100)];
    }
}
