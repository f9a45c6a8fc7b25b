using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Catalog;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Pools;
using StorageHost.Images.Templates;

namespace StorageHost.Files.Copying;

/// <summary>A copy that is being written under a private name.</summary>
internal sealed class CopyInTheMaking : IDisposable
{
    private CopyInTheMaking(PrivateFile file, SafeFileHandle handle) => (File, Handle) = (file, handle);

    public PrivateFile File { get; }

    public SafeFileHandle Handle { get; }

    /// <summary>The writing that was begun last; the next follows it.</summary>
    public Task LastWrite { get; set; } = Task.CompletedTask;

    private string Name => File.Name;

    public static CopyInTheMaking Create(VolumeSession session, OpenedTemplate of, DateTimeOffset now)
    {
        var file = session.Private.NewFile(PrivateKind.Making, of.Template.Image.Text);
        try
        {
            file.Handle = session.Mount.CreateDirect(file.Name);
            PublishedFormat.Write(file.Handle, file.Name, of.Format, of.Template.Fingerprint.Size);
            new CopyOrigin(of.Template.Image.Text, of.Chain[0].VirtualBytes, now.ToUnixTimeMilliseconds()).Write(file.Handle, file.Name);
            return new CopyInTheMaking(file, file.Handle);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Shares all blocks with the template; false where the file system cannot.</summary>
    public bool TryReflink(SafeFileHandle source) =>
        Syscalls.Control(Handle, Syscalls.CloneFile, source) == 0
        || (Marshal.GetLastPInvokeError() is Errno.NotSupported or Errno.NotTty or Errno.Invalid or Errno.CrossDevice
            ? false
            : throw DirectoryHandle.Failed("ioctl FICLONE", Name));

    public void SetLength(long length)
    {
        if (Syscalls.Truncate(Handle, length) < 0)
        {
            throw DirectoryHandle.Failed("ftruncate", Name);
        }
    }

    /// <summary>Writes a piece; returns how many bytes that took.</summary>
    public long Write(DataBlock block) => Blocks.WriteSparse(Handle, Name, block);

    /// <summary>Has the storage below write out what it still holds back, of this copy and mostly of all others.</summary>
    public void Flush() => DirectoryHandle.Sync(Handle, Name);

    /// <summary>Makes it a copy of that state of the template, durably.</summary>
    public Origin Finish(Fingerprint template, string digest, FilePermissions permissions)
    {
        // Twice: data that is written back later than the modification time is set would set it again.
        DirectoryHandle.Sync(Handle, Name);
        permissions.Apply(Handle, Name);
        var origin = CopyRecord.Write(Handle, Name, template, digest);
        DirectoryHandle.Sync(Handle, Name);
        _ = Syscalls.Advise(Handle, 0, 0, Syscalls.AdviseDontNeed);
        if (!CopyRecord.IsWhole(DirectoryHandle.Stat(Handle, Name), origin, template))
        {
            throw new RefusedException(Refusal.StorageUnavailable, "a copy lost the size or time that it was given");
        }

        return origin;
    }

    /// <summary>Leaves what there is of it to recovery.</summary>
    public void Dispose() => File.Dispose();
}
