using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Service;

/// <summary>The packages as they come out of deploy/package.sh.</summary>
[Collection(LabTests.Name)]
public sealed class PackageTests
{
    private static string Only(string pattern) => Assert.Single(Directory.GetFiles(Repository.Packages, pattern));

    [DaemonFact]
    public async Task Lintian_has_nothing_to_say() =>
        Assert.Equal("", await Shell.RunAsync(TimeSpan.FromMinutes(5), "lintian", "--allow-root", "--fail-on", "none", Only("*.deb")));

    [DaemonFact]
    public async Task It_depends_on_nothing_but_Debian_and_qemu()
    {
        var depends = await Shell.RunAsync("dpkg-deb", "--field", Only("*.deb"), "Depends");
        var names = depends.Split([',', '|'], StringSplitOptions.TrimEntries).Select(each => each.Split(' ')[0]);
        Assert.Equal(
            ["libc6", "libgcc-s1", "liblzma5", "libssl3", "libstdc++6", "libzstd1", "qemu-utils", "systemd", "systemd-standalone-sysusers", "systemd-sysusers", "zlib1g"], names.Order(StringComparer.Ordinal), StringComparer.Ordinal);
    }

    [DaemonFact]
    public async Task It_brings_the_manuals_the_alerts_and_the_dashboard()
    {
        var files = await Shell.RunAsync("dpkg-deb", "--contents", Only("*.deb"));
        var manuals = Directory.GetFiles(Path.Combine(Repository.Root, "docs"), "*.md").Select(page => $"usr/share/doc/storagehost/docs/{Path.GetFileName(page)}");
        Assert.All(
            [.. manuals, "usr/share/storagehost/alerts.yml", "usr/share/storagehost/grafana-dashboard.json", "usr/share/bash-completion/completions/storagehost",
                "usr/share/zsh/vendor-completions/_storagehost", "usr/share/fish/vendor_completions.d/storagehost.fish", "usr/share/man/man1/storagehost.1.gz", "etc/storagehost/conf.d/"],
            file => Assert.Contains($" ./{file}\n", files, StringComparison.Ordinal));
    }

    [DaemonFact]
    public async Task The_tarball_holds_the_same_program()
    {
        var folder = Path.Combine(Lab.Directory, "tarball");
        Directory.CreateDirectory(folder);
        await Shell.RunAsync("tar", "-xzf", Only("*.tar.gz"), "-C", folder, "--strip-components=1");
        var version = await Shell.RunAsync(Path.Combine(folder, "storagehost"), "--version");
        Assert.Equal($"storagehost {(await Shell.RunAsync("dpkg-deb", "--field", Only("*.deb"), "Version")).Trim()}", version.Trim().Split('+')[0]);
        Assert.All(["appsettings.json", "storagehost.service", "storagehost.sysusers", "storagehost.tmpfiles", "storagehost.8", "storagehost.1", "completions/storagehost", "alerts.yml", "grafana-dashboard.json", "docs/operations.md"], file => Assert.True(File.Exists(Path.Combine(folder, file)), file));
    }
}
