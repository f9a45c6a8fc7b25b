using System.ComponentModel;
using System.Runtime.InteropServices;

namespace StorageHost.Hosting;

/// <summary>The user whose rights count when a file is opened: the process's own, unless another one was assumed.</summary>
internal static partial class FileUser
{
    /// <summary>Whom the package makes, and the unit runs the daemon as.</summary>
    public const string OfService = "storagehost";

    private const int CurrentDirectory = -100;
    private const int EffectiveIds = 0x200;

    private static string? assumed;

    /// <summary>Its name.</summary>
    public static string Name => assumed ?? Environment.UserName;

    /// <summary>
    /// Goes on with another user's rights and groups, on this thread and on those that it starts: setfsuid(2), which also puts root's
    /// capabilities on files away. Root only; the process stays root's.
    /// </summary>
    /// <returns>False when there is no such user.</returns>
    public static bool Assume(string user)
    {
        var entry = GetUser(user);
        if (entry == IntPtr.Zero)
        {
            return false;
        }

        // struct passwd of pwd.h: name, password, uid, gid.
        var (uid, gid) = (Marshal.ReadInt32(entry, 2 * IntPtr.Size), Marshal.ReadInt32(entry, (2 * IntPtr.Size) + sizeof(int)));
        if (InitializeGroups(user, gid) != 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        }

        _ = SetFileGroup(gid);
        _ = SetFileUser(uid);
        assumed = user;
        return true;
    }

    /// <summary>Takes the process's own user again.</summary>
    public static void Resume()
    {
        _ = SetFileUser(0);
        _ = SetFileGroup(0);
        assumed = null;
    }

    /// <summary>Asks whether it may do this to a file or directory.</summary>
    /// <returns>Zero, or the errno that says why not.</returns>
    public static int Ask(FileRights rights, string path) =>
        CheckAccess(CurrentDirectory, path, (int)rights, EffectiveIds) == 0 ? 0 : Marshal.GetLastPInvokeError();

    [LibraryImport("libc", EntryPoint = "getpwnam", StringMarshalling = StringMarshalling.Utf8)]
    private static partial IntPtr GetUser(string name);

    [LibraryImport("libc", EntryPoint = "initgroups", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int InitializeGroups(string name, int group);

    [LibraryImport("libc", EntryPoint = "setfsgid")]
    private static partial int SetFileGroup(int group);

    [LibraryImport("libc", EntryPoint = "setfsuid")]
    private static partial int SetFileUser(int user);

    [LibraryImport("libc", EntryPoint = "faccessat", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int CheckAccess(int directory, string path, int mode, int flags);
}
