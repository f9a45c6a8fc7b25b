using Microsoft.Extensions.Options;
using Microsoft.Win32.SafeHandles;
using StorageHost.Images;

namespace StorageHost.Files;

/// <summary>Gives a disk its mode and owner before it is published, so that publishing costs no call for them.</summary>
internal sealed class FilePermissions(IOptions<DisksOptions> options)
{
    private const uint Unchanged = uint.MaxValue;

    private readonly uint mode = Convert.ToUInt32(options.Value.Mode, 8);
    private readonly uint owner = options.Value.Owner < 0 ? Unchanged : (uint)options.Value.Owner;
    private readonly uint group = options.Value.Group < 0 ? Unchanged : (uint)options.Value.Group;

    public void Apply(SafeFileHandle file, string name)
    {
        if ((owner != Unchanged || group != Unchanged) && Syscalls.ChangeOwner(file, owner, group) < 0)
        {
            throw Mount.Failed("fchown", name);
        }

        if (Syscalls.ChangeMode(file, mode) < 0)
        {
            throw Mount.Failed("fchmod", name);
        }
    }
}
