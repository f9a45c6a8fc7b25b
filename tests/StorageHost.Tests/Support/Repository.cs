namespace StorageHost.Tests.Support;

/// <summary>Where things lie in the repository.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "StorageHost.sln")))
        {
            folder = folder.Parent;
        }

        return folder!.FullName;
    }
}
