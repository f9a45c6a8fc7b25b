using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Posix;
using StorageHost.Images;
using StorageHost.Images.Disks;
using StorageHost.Images.Pools;

namespace StorageHost.Files.Growing;

/// <summary>Makes an image larger as it was planned.</summary>
internal static class GrowthWriter
{
    /// <summary>
    /// Does all steps. Nothing is durable afterwards; of a private file nothing has to be before it is whole.
    /// </summary>
    public static void Apply(SafeFileHandle file, string name, ImageGrowth growth)
    {
        foreach (var step in growth.Steps)
        {
            Apply(file, name, step);
        }
    }

    /// <summary>
    /// Does all steps, each durably before the next: cut short anywhere, the image has its old size or the new one, and is sound.
    /// </summary>
    public static void ApplyDurably(SafeFileHandle file, string name, ImageGrowth growth)
    {
        foreach (var step in growth.Steps)
        {
            Apply(file, name, step);
            DirectoryHandle.Sync(file, name);
        }
    }

    /// <summary>Refuses a growth that would break into the reserve.</summary>
    /// <exception cref="RefusedException">NoSpace.</exception>
    public static void RefuseIfFull(DirectoryHandle mount, ImageGrowth growth, int reservePercent)
    {
        if (growth.NewBytes > 0
            && mount.Space() is var space
            && space.FreeBytes - growth.NewBytes < PoolPlan.Reserve(space, reservePercent))
        {
            throw new RefusedException(
                Refusal.NoSpace, "the tables of a disk of that size would take room from the reserve")
            {
                NeededBytes = growth.NewBytes,
            };
        }
    }

    /// <summary>Refuses a growth by which a file gets longer where other nodes may go on remembering its length.</summary>
    /// <remarks>
    /// A node that has read a file on a Gluster volume with shards (10.3) remembers how long it was, for seconds at least. A guest there
    /// would find tables behind that end empty, and write over what they lead to.
    /// </remarks>
    /// <exception cref="RefusedException">ImageRejected.</exception>
    public static void RefuseLonger(MountPoint mount, ImageGrowth growth)
    {
        if (growth.ChangesLength && mount.IsGluster)
        {
            throw new RefusedException(
                Refusal.ImageRejected,
                "on a Gluster volume a disk cannot be made larger if its file would get longer, since other nodes remember the length: "
                    + "a qcow2 with clusters of 64 KiB or more has room, a raw image has not");
        }
    }

    private static void Apply(SafeFileHandle file, string name, GrowthStep step)
    {
        if (step.Length is { } length && Syscalls.Truncate(file, length) < 0)
        {
            throw DirectoryHandle.Failed("ftruncate", name);
        }

        foreach (var write in step.Writes)
        {
            Blocks.Write(file, name, write.Bytes.Span, write.Offset);
        }
    }
}
