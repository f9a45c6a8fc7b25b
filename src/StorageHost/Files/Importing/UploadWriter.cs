namespace StorageHost.Files.Importing;

/// <summary>
/// What tells the mounts of a volume apart through which parts of uploads are written: the node's name, its machine id, since two nodes may
/// have one name, and the directory.
/// </summary>
internal static class UploadWriter
{
    private const string MachineIdFile = "/etc/machine-id";

    /// <summary>That of this node's mount.</summary>
    /// <param name="directory">Where it is mounted.</param>
    /// <param name="machineIdFile">The file with the machine id; without one the name must do.</param>
    public static string Of(string directory, string machineIdFile = MachineIdFile) =>
        $"{Environment.MachineName}:{MachineId(machineIdFile)}:{directory}";

    /// <summary>The node's name, for messages.</summary>
    public static string NodeOf(string writer) => writer.Split(':')[0];

    private static string MachineId(string file)
    {
        try
        {
            return File.ReadAllText(file).Trim();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
