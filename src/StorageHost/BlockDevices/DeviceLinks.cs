namespace StorageHost.BlockDevices;

/// <summary>What the kernel and udev tell of block devices in directories of links and small files, which never wait for a device.</summary>
internal static class DeviceLinks
{
    /// <summary>The names in <c>/dev/disk/by-id</c> by the kernel's name of the device that they lead to; none where there is no udev.</summary>
    public static ILookup<string, string> ById() => ById("/dev/disk/by-id");

    /// <summary>The files behind the loop devices, by the device's name.</summary>
    public static IReadOnlyDictionary<string, string> LoopFiles() => LoopFiles("/sys/block");

    internal static ILookup<string, string> ById(string directory) => Entries(directory, "*")
        .Select(link => (link.Name, Target: link.LinkTarget))
        .Where(link => link.Target is not null)
        .ToLookup(link => Path.GetFileName(link.Target!), link => link.Name, StringComparer.Ordinal);

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
