namespace StorageHost.BlockDevices;

/// <summary>
/// What the kernel and udev tell of block devices in directories of links and small files, which never wait for a device.
/// </summary>
internal static class DeviceLinks
{
    /// <summary>
    /// The names in <c>/dev/disk/by-id</c> by the kernel's name of the device that they lead to; none where there is no udev.
    /// </summary>
    public static ILookup<string, string> ById() => ById("/dev/disk/by-id");

    /// <summary>The files behind the loop devices, by the device's name.</summary>
    public static IReadOnlyDictionary<string, string> LoopFiles() => LoopFiles("/sys/block");

    /// <summary>The names of the devices of each mounted file system that may lie on several: btrfs and bcachefs.</summary>
    public static IEnumerable<IReadOnlyList<string>> FileSystems() => FileSystems("/sys/fs");

    internal static ILookup<string, string> ById(string directory) => Entries(directory, "*")
        .Select(link => (link.Name, Target: link.LinkTarget))
        .Where(link => link.Target is not null)
        .ToLookup(link => KernelName(link.Target!), link => link.Name, StringComparer.Ordinal);

    internal static IReadOnlyDictionary<string, string> LoopFiles(string directory)
    {
        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var loop in Entries(directory, "loop*"))
        {
            try
            {
                files[loop.Name] = File.ReadAllText(Path.Combine(loop.FullName, "loop/backing_file")).TrimEnd('\n');
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // Not in use.
            }
        }

        return files;
    }

    internal static IEnumerable<IReadOnlyList<string>> FileSystems(string directory) =>
    [
        .. Entries(Path.Combine(directory, "btrfs"), "*")
            .Select(system => Names(Entries(Path.Combine(system.FullName, "devices"), "*").Select(device => device.Name))),
        .. Entries(Path.Combine(directory, "bcachefs"), "*")
            .Select(system => Entries(system.FullName, "dev-*").SelectMany(device => Entries(device.FullName, "block")))
            .Select(devices => Names(devices.Select(TargetName))),
    ];

    private static IReadOnlyList<string> Names(IEnumerable<string> files) => [.. files.Select(file => file.Replace('!', '/'))];

    private static string TargetName(FileSystemInfo link) => Path.GetFileName(link.LinkTarget) ?? link.Name;

    /// <summary>A node's name below <c>/dev</c>, as of <c>../../sda</c> and <c>../../cciss/c0d0</c>.</summary>
    private static string KernelName(string target) =>
        string.Join('/', target.Split('/').SkipWhile(part => part is "..").SkipWhile(part => part is "" or "dev"));

    private static IEnumerable<FileSystemInfo> Entries(string directory, string pattern)
    {
        try
        {
            return [.. new DirectoryInfo(directory).EnumerateFileSystemInfos(pattern)];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
