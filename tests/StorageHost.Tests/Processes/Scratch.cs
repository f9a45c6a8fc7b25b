using System.Globalization;
using StorageHost.Tests.Support;

namespace StorageHost.Tests.Processes;

/// <summary>A directory of one test, gone with it.</summary>
internal sealed class Scratch : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("storagehost-").FullName;

    public string File(string name) => Path.Combine(_path, name);

    /// <summary>The process id that a script wrote to a file.</summary>
    public async Task<int> PidAsync(string name) =>
        int.Parse(await System.IO.File.ReadAllTextAsync(File(name)), CultureInfo.InvariantCulture);

    public void Dispose() => Folder.Delete(_path);
}
