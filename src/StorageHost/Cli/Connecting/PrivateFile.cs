namespace StorageHost.Cli.Connecting;

/// <summary>A file that only its owner may read: a token, a key, or the contexts, which name them.</summary>
internal static class PrivateFile
{
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <summary>Its text; refused when others can read or change it.</summary>
    public static string Read(string path) =>
        ReadIfThere(path) ?? throw new ClientException(ClientExit.Configuration, $"{path}: there is no such file");

    /// <summary>The same; null when there is no such file.</summary>
    public static string? ReadIfThere(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            if ((File.GetUnixFileMode(file.SafeFileHandle) & Others) != UnixFileMode.None)
            {
                throw new ClientException(ClientExit.Configuration, $"{path}: others can read or change it; chmod 600 mends that");
            }

            using var reader = new StreamReader(file);
            return reader.ReadToEnd();
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (UnauthorizedAccessException)
        {
            throw new ClientException(ClientExit.Configuration, $"{path}: permission denied");
        }
        catch (IOException fault)
        {
            throw new ClientException(ClientExit.Configuration, $"{path}: {fault.Message}");
        }
    }
}
