namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>What these tests need of the machine.</summary>
internal static class Requirements
{
    private static readonly (string Program, string Package)[] Programs =
    [
        ("qemu-img", "qemu-utils"), ("qemu-nbd", "qemu-utils"), ("qemu-io", "qemu-utils"), ("qemu-storage-daemon", "qemu-system-common"), ("glusterd", "glusterfs-server"),
        ("mount.glusterfs", "glusterfs-client"), ("mkfs.xfs", "xfsprogs"), ("xfs_io", "xfsprogs"), ("ip", "iproute2"), ("strace", "strace"),
        ("mkfs.ext4", "e2fsprogs"), ("fsfreeze", "util-linux"),
        ("nsenter", "util-linux"), ("losetup", "mount"), ("kill", "procps"), ("find", "findutils"), ("openssl", "openssl"), ("runuser", "util-linux"), ("lintian", "lintian"), ("systemd-analyze", "systemd"), ("unshare", "util-linux"), ("man", "man-db"), ("curl", "curl"),
        ("promtool", "prometheus"),
    ];

    /// <summary>What is missing, in words; empty when nothing is.</summary>
    public static string Missing { get; } = string.Join("; ", Lacks());

    /// <summary>Where everything must be there, a test that cannot run has failed.</summary>
    public static bool Strict { get; } = string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase);

    /// <summary>Why a test is skipped; null when it runs.</summary>
    public static string? Skip => Missing.Length > 0 && !Strict ? Missing : null;

    private static IEnumerable<string> Lacks()
    {
        if (Environment.UserName is not "root")
        {
            yield return "must run as root: namespaces, mounts and loop devices are made";
        }

        foreach (var (program, package) in Programs.Where(each => !OnPath(each.Program)))
        {
            yield return $"{program} is missing (Debian package {package})";
        }

        if (!File.Exists("/dev/fuse") || !File.Exists("/dev/loop-control"))
        {
            yield return "/dev/fuse and /dev/loop-control must be there";
        }

        if (!File.Exists(Repository.Daemon))
        {
            yield return $"the published daemon is missing: run tests/run.sh, or dotnet publish src/StorageHost -c Release -o artifacts/storagehost";
        }
    }

    private static bool OnPath(string program) =>
        $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin".Split(':').Any(folder => File.Exists(Path.Combine(folder, program)));
}
