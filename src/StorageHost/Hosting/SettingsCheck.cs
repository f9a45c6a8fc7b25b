using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Gluster;
using StorageHost.Images;
using StorageHost.Qemu;

namespace StorageHost.Hosting;

/// <summary><c>--check-config</c>: what the daemon would be started with, and what would keep it from serving.</summary>
internal static class SettingsCheck
{
    /// <summary>
    /// Has root check with the rights of the user that the service runs as, who may not read all that root may; says so, and says when
    /// that cannot be.
    /// </summary>
    public static void BeServiceUser()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return;
        }

        if (!FileUser.Assume(FileUser.OfService))
        {
            Say($"checked as root, since there is no user {FileUser.OfService}: what the service may read is not known");
        }
        else if (FileUser.Ask(FileRights.Read | FileRights.Enter, AppContext.BaseDirectory) != 0)
        {
            FileUser.Resume();
            Say($"checked as root, since the user {FileUser.OfService} may not read {AppContext.BaseDirectory}: "
                + "what the service may read is not known");
        }
        else
        {
            Say($"checked with the rights of the user {FileUser.OfService}");
        }
    }

    /// <summary>Shows the settings and every fault, and gives the exit code.</summary>
    public static int Show(Settings settings)
    {
        foreach (var line in settings.Lines)
        {
            Console.WriteLine(line);
        }

        var options = settings.Sections.Select(section => section.Options).ToArray();
        var storage = options.OfType<StorageOptions>().Single();
        string?[] found =
        [
            FindDirectoryFault(storage),
            FindProgramFault(QemuOptions.Section, options.OfType<QemuOptions>().Single().Path),
            FindProgramFault(GlusterOptions.Section, options.OfType<GlusterOptions>().Single().Path),
        ];
        string[] faults = [.. settings.Faults, .. found.OfType<string>()];
        return faults.Length == 0 ? ExitCodes.Ok : ExitCodes.Configuration(faults);
    }

    /// <summary>A program that was given by its path must be there; one that is looked for in PATH may come later.</summary>
    private static string? FindProgramFault(string section, string path) => FileUser.Ask(FileRights.Enter, path) switch
    {
        _ when !path.StartsWith('/') => null,
        0 => Directory.Exists(path) ? $"{section}:Path: {path}: is a directory, not a program" : null,
        Errno.NoEntry or Errno.NotDirectory => $"{section}:Path: {path}: there is no such program",
        Errno.Access or Errno.NotPermitted => $"{section}:Path: {path}: permission denied: the user {FileUser.Name} may not run it",
        var errno => $"{section}:Path: {path}: cannot be run: {Errno.Name(errno)}",
    };

    /// <summary>Looks at the directory, on a thread of its own: its mount may hang.</summary>
    private static string? FindDirectoryFault(StorageOptions storage)
    {
        if (!storage.Directory.StartsWith('/'))
        {
            return null; // The rules say so.
        }

        string? fault = null;
        var look = new Thread(() => fault = Look(storage.Directory, storage.RequireMount)) { IsBackground = true };
        look.Start();
        var said = look.Join(storage.OperationTimeout) ? fault : $"does not answer within {storage.OperationTimeout.TotalSeconds} s";
        return said is null ? null : $"Storage:{nameof(StorageOptions.Directory)}: {said}";
    }

    private static string? Look(string directory, string requiredMount) => FileUser.Ask(FileRights.None, directory) switch
    {
        Errno.NoEntry => $"{directory}: there is no such directory",
        Errno.Access => FileFault.Denied(directory),
        not 0 and var errno => $"{directory}: the storage answered {Errno.Name(errno)}",
        _ when !Directory.Exists(directory) => $"{directory}: is not a directory",
        _ => FileUser.Ask(FileRights.Read | FileRights.Write | FileRights.Enter, directory) switch
        {
            0 => requiredMount.Length > 0 ? FindMountFault(directory, requiredMount) : null,
            Errno.Access or Errno.NotPermitted =>
                $"{directory}: permission denied: the user {FileUser.Name} may not read it, write to it and enter it",
            var errno => $"{directory}: cannot be written to: {Errno.Name(errno)}",
        },
    };

    private static string? FindMountFault(string directory, string required)
    {
        try
        {
            using var opened = OpenedDirectory.Open(directory);
            return opened.Point.FileSystemType == required ? null
                : $"{directory}: must lie on {required}, but lies on {opened.Point.FileSystemType}: the volume is not mounted";
        }
        catch (RefusedException refusal)
        {
            return $"{directory}: {refusal.Message}";
        }
    }

    private static void Say(string note) => Console.Error.WriteLine($"storagehost: {note}");
}
