using System.Globalization;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Hosting;

[Collection(LabTests.Name)]
public sealed class StartUpTests(Lab lab)
{
    private const int BadConfiguration = 78;
    private const int CannotServe = 69;
    private const int Mistyped = 64;

    [DaemonFact]
    public async Task Every_fault_of_the_configuration_is_named_at_once()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        var (code, errors) = await RefusesAsync(
            "--Storage:Directory", area.Directory, "--Storage:ReservePercent", "200", "--Storage:OperationTimeout", "soon", "--Storage:TemplateSuffix", "a/b",
            "--Pool:MaxCopies", "-1", "--Pool:Workers", "0", "--Disks:MaxSizeGb", "0");
        Assert.Equal(BadConfiguration, code);
        string[] keys = ["Storage:ReservePercent", "Storage:OperationTimeout", "Storage:TemplateSuffix", "Pool:MaxCopies", "Pool:Workers", "Disks:MaxSizeGb"];
        Assert.All(keys, key => Assert.Contains(key, errors, StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
    }

    [DaemonFact]
    public async Task Without_a_directory_it_does_not_start()
    {
        var (code, errors) = await RefusesAsync();
        Assert.Equal(BadConfiguration, code);
        Assert.Contains("Storage:Directory", errors, StringComparison.Ordinal);
    }

    [DaemonFact]
    public async Task A_directory_that_is_not_there_cannot_be_served()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        var (code, errors) = await RefusesAsync("--Urls", FreeAddress, "--Storage:Directory", Path.Combine(area.Directory, "nope"));
        Assert.Equal(CannotServe, code);
        Assert.Contains("does not exist", errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(area.Seen("nope")), "a mistyped directory must not be made");
    }

    [DaemonFact]
    public async Task A_directory_on_another_kind_of_file_system_is_not_served()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        var (code, errors) = await RefusesAsync("--Urls", FreeAddress, "--Storage:Directory", area.Directory, "--Storage:RequireMount", "fuse.glusterfs");
        Assert.Equal(CannotServe, code);
        Assert.Contains("fuse.glusterfs", errors, StringComparison.Ordinal);
        Assert.Contains("xfs", errors, StringComparison.Ordinal);
    }

    [DaemonTheory]
    [InlineData("linkat", "EPERM", "hard links")]
    [InlineData("fsetxattr", "EOPNOTSUPP", "user extended attributes")]
    public async Task A_file_system_that_lacks_what_is_needed_is_not_served_and_what_is_missing_is_named(string call, string error, string missing)
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        var lacking = Place.Here with { Enter = ["strace", "-f", "-q", "-o", "/dev/null", "-e", $"trace={call}", "-e", $"inject={call}:error={error}"] };
        var (code, errors) = await Daemon.RefusesAsync(
            lacking, Path.Combine(Repository.Logs, "refused"), "--Urls", $"http://127.0.0.1:{Daemon.FreePort()}", "--Storage:Directory", area.Directory);
        Assert.Equal(CannotServe, code);
        Assert.Contains(missing, errors, StringComparison.Ordinal);
        Assert.Contains(error, errors, StringComparison.Ordinal);
        Assert.DoesNotContain(await FoundFile.ListAsync(area.Seen()), file => file.IsDaemon || file.IsInTheMaking);
    }

    [DaemonTheory]
    [InlineData(StorageKind.Xfs, "xfs")]
    [InlineData(StorageKind.Replica3, "fuse.glusterfs")]
    public async Task A_directory_on_the_demanded_file_system_is_served(StorageKind kind, string type)
    {
        await using var area = await lab.AreaAsync(kind);
        var daemon = await area.StartAsync("--Storage:RequireMount", type);
        Assert.Empty(await daemon.Client.ImagesAsync());
    }

    [DaemonFact]
    public async Task Anyone_may_come_only_when_the_operator_says_so()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        var (code, errors) = await RefusesAsync("--Urls", "http://0.0.0.0:33899", "--Storage:Directory", area.Directory);
        Assert.Equal(BadConfiguration, code);
        Assert.Contains("Security:AllowAnonymous", errors, StringComparison.Ordinal);

        // Said at every start, not only at the first.
        foreach (var _ in Enumerable.Range(0, 2))
        {
            var open = await area.StartAsync(new Uri($"http://0.0.0.0:{Daemon.FreePort()}"), shape: null, "--Security:AllowAnonymous", "true");
            Assert.Single(open.Output.Split('\n'), line => line.Contains("WRN Security:AllowAnonymous is true: whoever can reach http://0.0.0.0:", StringComparison.Ordinal));
            await open.StopAsync();
        }
    }

    [DaemonFact]
    public async Task An_address_that_cannot_be_listened_on_is_told_without_a_stack_trace()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        var (code, errors) = await RefusesAsync("--Urls", "http://unix:/nonexistent/socket", "--Storage:Directory", area.Directory);
        Assert.Equal(CannotServe, code);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
    }

    [DaemonFact]
    public async Task A_port_that_is_taken_is_told_in_one_line()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        var first = await area.StartAsync();
        var log = Path.Combine(Repository.Logs, "taken");
        var (code, errors) = await Daemon.RefusesAsync(log, "--Urls", first.Client.Address.ToString(), "--Storage:Directory", area.Directory);
        Assert.Equal(CannotServe, code);
        Assert.Equal($"storagehost: cannot serve: Urls: {first.Client.Address} is taken: another program listens there\n", errors);
        Assert.Equal("", await File.ReadAllTextAsync($"{log}.out"));
    }

    [DaemonTheory]
    [InlineData("there is no option '--chekc-config'; did you mean --check-config?", "--chekc-config")]
    [InlineData("--Pool:MaxCopies needs a value", "--Pool:MaxCopies")]
    public async Task What_is_mistyped_starts_nothing_and_touches_nothing(string told, string word)
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        var (code, errors) = await RefusesAsync("--Storage:Directory", area.Directory, word);
        Assert.Equal(Mistyped, code);
        Assert.StartsWith($"storagehost: {told}", errors, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(area.Seen()));
    }

    [DaemonFact]
    public async Task A_misspelt_section_does_not_leave_the_daemon_open()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        var (code, errors) = await RefusesAsync("--Storage:Directory", area.Directory, "--Securty:TokensFile=/x");
        Assert.Equal(BadConfiguration, code);
        Assert.Contains("  Securty:TokensFile: there is no such setting; did you mean Security:TokensFile?\n", errors, StringComparison.Ordinal);
    }

    [DaemonFact]
    public async Task A_check_by_root_says_when_it_cannot_be_made_with_the_rights_of_the_service()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        var users = Path.Combine(Lab.Directory, "users");
        var nobody = await CheckAsync(Repository.Daemon, "true");
        Assert.Equal((0, "storagehost: checked as root, since there is no user storagehost: what the service may read is not known\n"), (nobody.ExitCode, nobody.Error));

        var folder = Path.Combine(Lab.Directory, "closed");
        var closed = await CheckAsync(
            Path.Combine(folder, "bin", Path.GetFileName(Repository.Daemon)),
            $"echo storagehost:x:64999:64999::/:/bin/false >>{users}; mkdir -p {folder}/bin; chmod 700 {folder}; mount --bind {Path.GetDirectoryName(Repository.Daemon)} {folder}/bin");
        Assert.Equal(
            (0, $"storagehost: checked as root, since the user storagehost may not read {folder}/bin/: what the service may read is not known\n"),
            (closed.ExitCode, closed.Error));

        // What is changed here is seen by the check alone.
        Task<Said> CheckAsync(string program, string prepare) => Shell.TryAsync(
            "unshare", "-m", "sh", "-c", $"""
            set -e
            sed /^storagehost:/d /etc/passwd >{users}
            {prepare}
            mount --bind {users} /etc/passwd
            exec "$@"
            """, "sh", program, "--check-config", "--Urls", FreeAddress, "--Storage:Directory", area.Directory);
    }

    [DaemonFact]
    public async Task Two_daemons_can_serve_one_directory_and_each_clears_up_only_after_the_dead()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var first = await area.StartAsync();
        var second = await area.StartAsync();
        await first.KillAsync();
        var third = await area.StartAsync();
        (await second.Client.SetImageAsync("centos", "web02")).Is(200);
        (await third.Client.SetImageAsync("centos", "web03")).Is(200);
        area.Oracle.Disk("web02", "centos");
        area.Oracle.Disk("web03", "centos");
        await area.Oracle.CheckAsync();
    }

    // The default port may be any program's on this machine, and is looked at first.
    private static string FreeAddress => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Daemon.FreePort()}");

    private static Task<(int ExitCode, string Errors)> RefusesAsync(params string[] arguments) =>
        Daemon.RefusesAsync(Path.Combine(Repository.Logs, "refused"), arguments);
}
