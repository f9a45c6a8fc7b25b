using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Catalog;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;
using StorageHost.Images.Templates;

namespace StorageHost.Files.Importing;

/// <summary>A template that is coming in, under a private name.</summary>
internal sealed class IncomingFile : IDisposable
{
    private readonly SafeFileHandle handle;

    /// <summary>Goes on with a file that is open for direct I/O.</summary>
    public IncomingFile(PrivateFile file, SafeFileHandle handle) => (File, this.handle) = (file, handle);

    /// <summary>The file under its private name.</summary>
    public PrivateFile File { get; }

    /// <summary>Whether another file has been made of it, so that nobody needs it any more.</summary>
    public bool IsSpent { get; set; }

    /// <summary>Makes a new one.</summary>
    /// <param name="session">Where.</param>
    /// <param name="image">Whose.</param>
    /// <param name="isDirect">Whether it is written past the page cache, in whole pages.</param>
    public static IncomingFile Create(VolumeSession session, ImageName image, bool isDirect = true)
    {
        var file = session.Private.NewFile(PrivateKind.Making, image.Text);
        try
        {
            file.Handle = isDirect
                ? session.Mount.CreateDirect(file.Name)
                : session.Mount.Open(file.Name, Syscalls.ReadWrite | Syscalls.Create | Syscalls.Exclusive, 0x180 /* 0600 */);
            return new IncomingFile(file, file.Handle);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Writes a piece, with holes where it holds zeros. The memory behind it, up to a whole page, must hold zeros.</summary>
    public void Write(DataBlock block) => Blocks.WriteSparse(handle, File.Name, block);

    /// <summary>Reads what lies at the beginning of a page, past the page cache: a page at most.</summary>
    public void Read(long offset, Span<byte> bytes)
    {
        var page = new AlignedBuffer(Blocks.PageSize).Memory.Span;
        Blocks.Read(handle, File.Name, page, offset);
        page[..bytes.Length].CopyTo(bytes);
    }

    /// <summary>Writes anywhere; not for a file that is written past the page cache.</summary>
    public void WriteAny(long offset, ReadOnlySpan<byte> bytes) => Blocks.Write(handle, File.Name, bytes, offset);

    /// <summary>Reads anywhere, in such a file; returns how many bytes there were.</summary>
    public int ReadAny(long offset, Span<byte> bytes) => Blocks.Read(handle, File.Name, bytes, offset);

    /// <summary>Has the storage write what the page cache holds of it, and forgets that there.</summary>
    public void Flush()
    {
        DirectoryHandle.Sync(handle, File.Name);
        _ = Syscalls.Advise(handle, 0, 0, Syscalls.AdviseDontNeed);
    }

    /// <summary>Forgets what lies behind a length.</summary>
    public void Cut(long length)
    {
        if (Syscalls.Truncate(handle, length) < 0)
        {
            throw DirectoryHandle.Failed("ftruncate", File.Name);
        }
    }

    /// <summary>Makes all of its content durable.</summary>
    public void Close(long length, FilePermissions permissions)
    {
        Cut(length);
        DirectoryHandle.Sync(handle, File.Name);
        permissions.Apply(handle, File.Name);
    }

    /// <summary>Opens it once more, to be looked into: what is written past the page cache can only be read in whole pages.</summary>
    public SafeFileHandle Reopen(VolumeSession session) => session.Mount.Open(File.Name);

    /// <summary>Gives it its record, durably.</summary>
    /// <returns>The state in which it is to be published.</returns>
    public FileStat Record(TemplateRecord record)
    {
        var stat = TemplateRecords.Write(handle, File.Name, record);
        DirectoryHandle.Sync(handle, File.Name);
        _ = Syscalls.Advise(handle, 0, 0, Syscalls.AdviseDontNeed);
        return stat;
    }

    /// <summary>Leaves what there is of it to recovery.</summary>
    public void Dispose() => File.Dispose();
}
