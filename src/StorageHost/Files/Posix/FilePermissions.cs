using Microsoft.Extensions.Options;
using Microsoft.Win32.SafeHandles;
using StorageHost.Images.Disks;

namespace StorageHost.Files.Posix;

/// <summary>Gives a disk its mode and owner before it is published, so that publishing costs no call for them.</summary>
internal sealed class FilePermissions(IOptions<DisksOptions> options)
{
    private const uint Unchanged = uint.MaxValue;

    public void Apply(SafeFileHandle file, string name)
    {
        var (owner, group) = (IdOf(options.Value.Owner), IdOf(options.Value.Group));
        if ((owner != Unchanged || group != Unchanged) && Syscalls.ChangeOwner(file, owner, group) < 0)
        {
            throw DirectoryHandle.Failed("fchown", name);
        }

        if (Syscalls.ChangeMode(file, Convert.ToUInt32(options.Value.Mode, 8)) < 0)
        {
            throw DirectoryHandle.Failed("fchmod", name);
        }
    }

    private static uint IdOf(int id) => id < 0 ? Unchanged : (uint)id;
}
