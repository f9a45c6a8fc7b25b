using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using StorageHost.Images;

namespace StorageHost.Files;

/// <summary>A copy that is being written under a private name.</summary>
internal sealed record CopyInTheMaking(PrivateFile Private, SafeFileHandle File) : IDisposable
{
    public static CopyInTheMaking Create(VolumeSession session, ImageName image)
    {
        var file = session.Private.NewFile(PrivateKind.Making, image.Text);
        try
        {
            return new CopyInTheMaking(file, session.Mount.Open(file.Name, Syscalls.ReadWrite | Syscalls.Create | Syscalls.Exclusive, 0x180 /* 0600 */));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Shares all blocks with the template; false where the file system cannot.</summary>
    public bool TryReflink(SafeFileHandle source) =>
        Syscalls.Control(File, Syscalls.CloneFile, source) == 0
        || (Marshal.GetLastPInvokeError() is Errno.NotSupported or Errno.NotTty or Errno.Invalid or Errno.CrossDevice
            ? false
            : throw Mount.Failed("ioctl FICLONE", Private.Name));

    public void SetLength(long length)
    {
        if (Syscalls.Truncate(File, length) < 0)
        {
            throw Mount.Failed("ftruncate", Private.Name);
        }
    }

    public void Write(long offset, ReadOnlySpan<byte> data) => Blocks.Write(File, Private.Name, data, offset);

    /// <summary>Makes it a copy of that state of the template, durably.</summary>
    public void Finish(Fingerprint template, string digest, FilePermissions permissions)
    {
        // Twice: data that is written back later than the modification time is set would set it again.
        Mount.Sync(File, Private.Name);
        permissions.Apply(File, Private.Name);
        CopyRecord.Write(File, Private.Name, template, digest.Length > 0 ? digest : "reflink");
        Mount.Sync(File, Private.Name);
        if (!CopyRecord.IsWhole(Mount.Stat(File, Private.Name), template, template))
        {
            throw new RefusedException(Refusal.StorageUnavailable, "a copy has not the size or time that it was given");
        }
    }

    /// <summary>Leaves what there is of it to recovery.</summary>
    public void Dispose()
    {
        File.Dispose();
        Private.Dispose();
    }
}
