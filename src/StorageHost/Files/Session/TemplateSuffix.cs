using System.Text;
using StorageHost.Files.Posix;
using StorageHost.Images;

namespace StorageHost.Files.Session;

/// <summary>
/// What the file names of templates end with on this volume: written down by the first daemon that serves it. A daemon with another suffix
/// would see no template, and retire every copy that the others make.
/// </summary>
internal static class TemplateSuffix
{
    private const string FileName = $"{PrivateDirectory.Root}/template-suffix";
    private const int MaxLength = 100;

    /// <summary>Compares the daemon's suffix with the volume's.</summary>
    /// <exception cref="RefusedException">StorageUnavailable: the volume has another one.</exception>
    /// <returns>Whether the volume has one.</returns>
    public static bool Check(DirectoryHandle mount, string suffix)
    {
        if (Read(mount) is not { } known)
        {
            return mount.TryStat(FileName, out _)
                ? throw new RefusedException(Refusal.StorageUnavailable, $"{FileName} is not a regular file: remove it")
                : false;
        }

        return known == suffix
            ? true
            : throw new RefusedException(
                Refusal.StorageUnavailable,
                $"templates on this volume end with '{known}', and Storage:TemplateSuffix is '{suffix}': "
                    + $"change the setting, or remove {FileName} when no daemon serves the volume with '{known}'");
    }

    /// <summary>The same, and writes it down where the volume has none.</summary>
    public static void Settle(DirectoryHandle mount, PrivateDirectory own, string suffix)
    {
        if (!Check(mount, suffix) && TryWrite(mount, own, suffix))
        {
            // Another daemon may have been first.
            Check(mount, suffix);
        }
    }

    private static string? Read(DirectoryHandle mount)
    {
        using var file = mount.TryOpenRegular(FileName);
        Span<byte> buffer = stackalloc byte[MaxLength];
        return file is null ? null : Encoding.UTF8.GetString(buffer[..Blocks.Read(file, FileName, buffer, 0)]).Trim();
    }

    // A full volume is served all the same; it is written down when there is room.
    private static bool TryWrite(DirectoryHandle mount, PrivateDirectory own, string suffix)
    {
        using var making = own.NewFile(PrivateKind.Making);
        try
        {
            using var file = mount.Open(making.Name, Syscalls.ReadWrite | Syscalls.Create | Syscalls.Exclusive, 0x1a4 /* 0644 */);
            Blocks.Write(file, making.Name, Encoding.UTF8.GetBytes($"{suffix}\n"), 0);
            DirectoryHandle.Sync(file, making.Name);
            mount.Link(making.Name, file, FileName);
            DirectoryHandle.Sync(file, making.Name);
            return true;
        }
        catch (StorageException exception) when (exception.Errno is Errno.NoSpace or Errno.QuotaExceeded)
        {
            return false;
        }
        finally
        {
            mount.TryUnlink(making.Name);
        }
    }
}
