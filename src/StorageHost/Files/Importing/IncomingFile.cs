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

    public static IncomingFile Create(VolumeSession session, ImageName image)
    {
        var file = session.Private.NewFile(PrivateKind.Making, image.Text);
        try
        {
            file.Handle = session.Mount.CreateDirect(file.Name);
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
