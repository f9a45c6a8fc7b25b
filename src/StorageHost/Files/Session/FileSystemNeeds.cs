using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Posix;
using StorageHost.Images;

namespace StorageHost.Files.Session;

/// <summary>
/// What a file system must have to be served: locks, user extended attributes, hard links. Each is tried when a session begins, so that
/// what is missing is named then, and not by the first copy or disk that fails. Holes and reflinks are used where they exist.
/// </summary>
internal static class FileSystemNeeds
{
    private const string Probe = "probe";

    // The one that copies bear: a file system may allow some names and not others.
    private const string Attribute = "user.storagehost.copy";

    /// <summary>Takes the lock of a private directory, as <see cref="LockFile.TryAcquire"/>.</summary>
    /// <exception cref="RefusedException">StorageUnavailable: there are no such locks.</exception>
    public static SafeFileHandle? TryLock(DirectoryHandle mount, string name) =>
        Try("open-file-description locks", () => LockFile.TryAcquire(mount, name));

    /// <summary>Tries attributes and hard links on the lock file of a private directory, which is the caller's.</summary>
    /// <exception cref="RefusedException">StorageUnavailable: one of them is missing.</exception>
    public static void Require(DirectoryHandle mount, string directory, SafeFileHandle lockFile)
    {
        Try("user extended attributes", () =>
        {
            ExtendedAttributes.Set(lockFile, "a probe", Attribute, Probe);
            return true;
        });
        Try("hard links", () => TryLink(mount, directory, lockFile));
    }

    // Interrupted, it leaves a private name that recovery sweeps as any other.
    private static bool TryLink(DirectoryHandle mount, string directory, SafeFileHandle lockFile)
    {
        try
        {
            return mount.Link($"{directory}/{PrivateDirectory.LockName}", lockFile, $"{directory}/{Probe}") == LinkOutcome.Linked
                && mount.TryUnlink($"{directory}/{Probe}");
        }
        catch (StorageException exception) when (exception.Errno is Errno.NoSpace or Errno.QuotaExceeded)
        {
            // A full volume says nothing about links, and is served as far as it can be.
            return false;
        }
    }

    /// <summary>Runs a trial; a failure that says that the file system cannot do this becomes one that says so in words.</summary>
    internal static T Try<T>(string what, Func<T> trial)
    {
        try
        {
            return trial();
        }
        catch (StorageException exception) when (exception.Errno is
            Errno.NotPermitted or Errno.Invalid or Errno.TooManyNames or Errno.NoSystemCall or Errno.NotSupported)
        {
            throw new RefusedException(
                Refusal.StorageUnavailable,
                $"the storage directory's file system has no {what} ({exception.Call}: {Errno.Name(exception.Errno)}); "
                + "use one that has them",
                exception);
        }
    }
}
