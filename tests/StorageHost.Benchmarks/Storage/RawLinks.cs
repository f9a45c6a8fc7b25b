using System.Globalization;
using Microsoft.Win32.SafeHandles;
using StorageHost.Benchmarks.Measuring;
using StorageHost.Files;

namespace StorageHost.Benchmarks.Storage;

/// <summary>
/// The floor under a hit: <c>link</c> and <c>fsync</c>, one after the other in a tight loop, of files that are open and durable already and
/// lie as deep as the daemon's own. No claim can be exclusive and durable for less.
/// </summary>
internal sealed class RawLinks : IDisposable
{
    private const string Folder = ".storagehost/raw";

    private readonly string path;
    private readonly SafeFileHandle directory;
    private readonly List<SafeFileHandle> files = [];

    /// <summary>Prepares files in a storage directory that no daemon serves.</summary>
    public RawLinks(string path, int count, int bytes)
    {
        this.path = path;
        Directory.CreateDirectory(Path.Combine(path, Folder));
        directory = Mount.OpenDirectory(path);
        var content = new byte[bytes];
        new Random(count).NextBytes(content);
        for (var number = 0; number < count; number++)
        {
            var file = File.OpenHandle(Path.Combine(path, Prepared(number)), FileMode.CreateNew, FileAccess.ReadWrite);
            RandomAccess.Write(file, content, 0);
            Durable.Demand(Syscalls.Sync(file), "fsync");
            files.Add(file);
        }
    }

    /// <summary>Gives each of these files its name, once.</summary>
    public Burst Run(int first, int threads, int each) => Burst.Run<IDisposable?>(threads, each, () => null, (_, number) =>
    {
        Durable.Demand(Syscalls.LinkAt(directory, Prepared(first + number), directory, string.Create(CultureInfo.InvariantCulture, $"raw{first + number}.qcow2"), 0), "link");
        Durable.Demand(Syscalls.Sync(files[first + number]), "fsync");
    });

    /// <summary>Takes the names away again.</summary>
    public void Withdraw()
    {
        foreach (var disk in Directory.EnumerateFiles(path, "raw*.qcow2"))
        {
            File.Delete(disk);
        }
    }

    public void Dispose()
    {
        files.ForEach(file => file.Dispose());
        directory.Dispose();
    }

    private static string Prepared(int number) => string.Create(CultureInfo.InvariantCulture, $"{Folder}/claim-{number}");
}
