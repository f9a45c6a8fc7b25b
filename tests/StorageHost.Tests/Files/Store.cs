using StorageHost.Files.Catalog;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images.Names;
using StorageHost.Tests.Images;
using StorageHost.Tests.Support;

namespace StorageHost.Tests.Files;

/// <summary>A storage directory of one test, gone with it.</summary>
internal sealed class Store : IDisposable
{
    /// <summary>When templates were last written to, unless a test says otherwise.</summary>
    public static readonly DateTime Written = new(2024, 2, 3, 4, 5, 6, DateTimeKind.Utc);

    public string Path { get; } = Directory.CreateTempSubdirectory("storagehost-").FullName;

    public Store()
    {
    }

    private Store(string parent)
    {
        Directory.Delete(Path);
        Path = Directory.CreateDirectory(System.IO.Path.Combine(parent, System.IO.Path.GetFileName(Path))).FullName;
    }

    /// <summary>
    /// In memory, where that is a file system with extended attributes (Linux 6.6): for tests of thousands of calls, which would spend their
    /// time in fsync. What fsync is for, no test in this process can show.
    /// </summary>
    public static Store Quick()
    {
        const string Memory = "/dev/shm";
        var store = Directory.Exists(Memory) ? new Store(Memory) : new Store();
        try
        {
            store.Write("probe", 1);
            using var file = File.OpenHandle(store["probe"], FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            CopyRecord.Write(file, "probe", default, "probe");
            File.Delete(store["probe"]);
            return store;
        }
        catch (Exception exception) when (exception is StorageException or UnauthorizedAccessException)
        {
            store.Dispose();
            return new Store();
        }
    }

    /// <summary>The names in it, sorted, without the private ones.</summary>
    public string Names => string.Join(' ', Directory.EnumerateFileSystemEntries(Path).Select(System.IO.Path.GetFileName)
        .Where(name => name != PrivateDirectory.Root).Order(StringComparer.Ordinal));

    /// <summary>What lies in the private directories beside their locks.</summary>
    public IReadOnlyList<string> Private => !Directory.Exists(this[PrivateDirectory.Root]) ? [] :
        [.. Directory.EnumerateDirectories(this[PrivateDirectory.Root]).Where(name => Guid.TryParseExact(System.IO.Path.GetFileName(name), "N", out _))
            .SelectMany(directory => Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories)).Where(name => System.IO.Path.GetFileName(name) != PrivateDirectory.LockName)];

    /// <summary>What the file names of templates end with, as the volume has it; null when it was not written down.</summary>
    public string? Suffix => Has($"{PrivateDirectory.Root}/template-suffix") ? File.ReadAllText(this[$"{PrivateDirectory.Root}/template-suffix"]) : null;

    /// <summary>How many daemons have, or had, a private directory.</summary>
    public int PrivateDirectories => Directory.EnumerateDirectories(this[PrivateDirectory.Root]).Count(name => Guid.TryParseExact(System.IO.Path.GetFileName(name), "N", out _));

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Write(string name, params ReadOnlySpan<byte> content)
    {
        File.WriteAllBytes(this[name], content);
        File.SetLastWriteTimeUtc(this[name], Written);
    }

    public void WriteTemplate(ReadOnlySpan<byte> content, ImageName? image = null) => Write(Sample.Names.Template(image ?? Sample.Centos).Text, content);

    /// <summary>A template of pseudo-random data.</summary>
    public byte[] WriteTemplate(int length, int seed = 1)
    {
        var content = new byte[length];
        new Random(seed).NextBytes(content);
        WriteTemplate(content);
        return content;
    }

    public byte[] Read(string name) => File.ReadAllBytes(this[name]);

    public bool Has(string name) => Path is not null && new FileInfo(this[name]).Exists;

    public FileStat Stat(string name)
    {
        using var file = File.OpenHandle(this[name], share: FileShare.ReadWrite | FileShare.Delete);
        return DirectoryHandle.Stat(file, name);
    }

    /// <summary>Gives a file a second name; false when that name is another file's.</summary>
    public bool Link(string name, string second)
    {
        using var mount = Open();
        using var file = mount.Open(name);
        return mount.Link(name, file, second) == LinkOutcome.Linked;
    }

    public DirectoryHandle Open() => new(DirectoryHandle.OpenDirectory(Path));

    public void Dispose() => Folder.Delete(Path);
}
