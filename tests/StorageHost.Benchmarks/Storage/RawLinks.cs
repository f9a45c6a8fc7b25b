using System.Globalization;
using Microsoft.Win32.SafeHandles;
using StorageHost.Benchmarks.Measuring;
using StorageHost.Files.Posix;

namespace StorageHost.Benchmarks.Storage;

/// <summary>
/// The floor under a hit: <c>link</c>, <c>fsync</c> and <c>unlink</c> of the private name, one after the other in a tight loop, of files that are
/// open and durable already and lie as deep as the daemon's own. No claim can be exclusive and durable for less.
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
        directory = DirectoryHandle.OpenDirectory(path);
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
        Durable.Demand(Syscalls.LinkAt(directory, Prepared(first + number), directory, Named(first + number), 0), "link");
        Durable.Demand(Syscalls.Sync(files[first + number]), "fsync");
        Durable.Demand(Syscalls.UnlinkAt(directory, Prepared(first + number), 0), "unlink");
    });

    /// <summary>Takes the names away again: the files get their private ones back.</summary>
    public void Withdraw()
    {
        for (var number = 0; number < files.Count; number++)
        {
            var disk = Path.Combine(path, Named(number));
            if (File.Exists(disk))
            {
                File.Move(disk, Path.Combine(path, Prepared(number)));
            }
        }
    }

    public void Dispose()
    {
        files.ForEach(file => file.Dispose());
        directory.Dispose();
    }

    private static string Named(int number) => string.Create(CultureInfo.InvariantCulture, $"raw{number}.qcow2");

    private static string Prepared(int number) => string.Create(CultureInfo.InvariantCulture, $"{Folder}/claim-{number}");
}
