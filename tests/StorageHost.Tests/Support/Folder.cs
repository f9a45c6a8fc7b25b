namespace StorageHost.Tests.Support;

/// <summary>A directory of a test.</summary>
internal static class Folder
{
    private const int Tries = 100;

    /// <summary>Deletes it with all that is in it, also while somebody else, who is about to end, removes things there.</summary>
    public static void Delete(string path)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                Directory.Delete(path, recursive: true);
                return;
            }
            catch (DirectoryNotFoundException) when (tries < Tries && Directory.Exists(path))
            {
                // What went meanwhile need not be deleted.
            }
        }
    }
}
