namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>Where things lie in the repository.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>The published daemon; STORAGEHOST_BIN names another one.</summary>
    public static string Daemon { get; } =
        Environment.GetEnvironmentVariable("STORAGEHOST_BIN") ?? Path.Combine(Root, "artifacts/storagehost/storagehost");

    /// <summary>Where deploy/package.sh has put the packages.</summary>
    public static string Packages { get; } = Path.Combine(Root, "artifacts/package");

    /// <summary>The logs of every daemon that the tests start; they stay after the run.</summary>
    public static string Logs { get; } = Path.Combine(Root, "artifacts/test-logs");

    public static string Sweep { get; } = Path.Combine(Root, "tests/StorageHost.IntegrationTests/Fixtures/sweep.sh");

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "StorageHost.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException($"No StorageHost.sln above {AppContext.BaseDirectory}");
    }
}
