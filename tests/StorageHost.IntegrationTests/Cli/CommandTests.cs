using System.Globalization;
using System.Text.Json;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Cli;

/// <summary>The commands against a daemon, without a terminal.</summary>
[Collection(LabTests.Name)]
public sealed class CommandTests(Lab lab)
{
    [DaemonFact]
    public async Task Templates_pools_and_disks_from_the_beginning_to_the_end()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        var daemon = await area.StartAsync();
        var at = ClientRun.Servers(daemon);
        var master = await lab.Masters.SmallAsync();

        Assert.Contains("centos", await ClientRun.DoAsync(at, "template", "upload", "centos", master), StringComparison.Ordinal);
        area.Oracle.Template("centos", master);
        Assert.Equal((await daemon.Client.GetAsync("/templates")).Text + "\n", await ClientRun.DoAsync(at, "template", "list", "-o", "json"));
        Assert.Matches("^centos,2,2,0", (await ClientRun.DoAsync(at, "pool", "set", "centos", "2", "--wait", "-o", "csv")).Split('\n')[1]);

        Assert.Contains("\"source\":\"pool\"", await ClientRun.DoAsync(at, "disk", "create", "web01", "centos", "-o", "json"), StringComparison.Ordinal);
        Assert.Contains("web02.qcow2", await ClientRun.DoAsync(at, "disk", "create", "web02", "centos", "--wait", "-o", "wide"), StringComparison.Ordinal);
        Assert.Contains("web01_storage_3G", await ClientRun.DoAsync(at, "disk", "add", "web01", "3"), StringComparison.Ordinal);
        area.Oracle.Disk("web01", "centos");
        area.Oracle.DataDisk("web01_storage_3G");

        Assert.Contains("yes", await ClientRun.DoAsync(at, "template", "protect", "centos"), StringComparison.Ordinal);
        Assert.Equal(67, (await ClientRun.RunAsync(at, "template", "delete", "centos", "--yes")).ExitCode);
        Assert.Contains("no", await ClientRun.DoAsync(at, "template", "protect", "centos", "--off"), StringComparison.Ordinal);

        Assert.Equal(64, (await ClientRun.RunAsync(at, "disk", "delete", "web02")).ExitCode);
        Assert.True(area.Has("web02.qcow2"));
        Assert.Contains("would send: DELETE", await ClientRun.DoAsync(at, "disk", "delete", "web02", "--dry-run"), StringComparison.Ordinal);
        Assert.True(area.Has("web02.qcow2"));
        await ClientRun.DoAsync(at, "disk", "delete", "web02", "-y");
        Assert.False(area.Has("web02.qcow2"));

        Assert.Contains("volume,", await ClientRun.DoAsync(at, "status", "-o", "csv"), StringComparison.Ordinal);
        var overview = JsonElement.Parse(await ClientRun.DoAsync(at, "status", "-o", "json"));
        Assert.Equal(["readyz", "imagestorage", "pools", "jobs"], overview.EnumerateObject().Select(member => member.Name), StringComparer.Ordinal);
        Assert.Equal("ready", overview.GetProperty("readyz").GetProperty("status").GetString());
        var volume = (await ClientRun.DoAsync(at, "volume", "list", "-o", "csv")).Split('\n')[1].Split(',')[0];
        Assert.Equal(volume, JsonElement.Parse(await ClientRun.DoAsync(at, "volume", "show", volume, "-o", "json")).GetProperty("volume_id").GetString());
        Assert.Equal("centos\n", await ClientRun.DoAsync(at, "__complete", "template", "show", "c"));
        await ClientRun.DoAsync(at, "template", "delete", "centos", "--yes");
        area.Oracle.NoTemplate("centos");
        await area.Oracle.CheckAsync();
    }

    [DaemonFact]
    public async Task Each_cause_has_its_exit_code()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var daemon = await area.StartAsync();
        var at = ClientRun.Servers(daemon);
        await ClientRun.DoAsync(at, "disk", "create", "web01", "centos");
        var archive = Path.Combine(Lab.Directory, "archive.gz");
        await Shell.RunAsync("sh", "-c", $"echo content | gzip | xz > {archive}");
        await using var silent = new FakeServer(null);
        await using var page = new FakeServer(FakeServer.Ok("text/html", "<html>"));
        (int Code, string Servers, string[] Words)[] causes =
        [
            (0, at, ["template", "show", "centos"]),
            (64, at, ["template", "lits"]),
            (64, at, ["template", "show", "-o", "yaml", "centos"]),
            (64, at, ["template", "show", "../x"]),
            (64, at, ["disk", "delete", "web01"]),
            (66, at, ["template", "show", "plan9"]),
            (66, at, ["job", "watch", "0000000000000000"]),
            (67, at, ["disk", "create", "web01", "centos"]),
            (65, at, ["template", "upload", "archive", archive]),
            (74, at, ["template", "upload", "nothing", "/nonexistent"]),
            (74, at, ["template", "upload", "nothing", "/tmp"]),
            (69, "http://127.0.0.1:1", ["template", "list"]),
            (69, silent.Address, ["template", "list", "--timeout", "1"]),
            (75, silent.Address, ["disk", "delete", "web01", "--yes", "--timeout", "1"]),
            (70, page.Address, ["template", "list"]),
            (78, at, ["template", "list", "--token-file", "/nonexistent"]),
        ];
        foreach (var (code, servers, words) in causes)
        {
            var said = await ClientRun.RunAsync(servers, words);
            Assert.True(said.ExitCode == code, $"{string.Join(' ', words)} ended with {said.ExitCode}, not with {code}: {said.Error}");
            Assert.True(code == 0 ? said.Error.Length == 0 : said.Error.Contains("storagehost: ", StringComparison.Ordinal) && said.Output.Length == 0, $"{said}");
        }

        Assert.True(area.Has("web01.qcow2"));
        await daemon.StopAsync();
        Assert.Equal(69, (await ClientRun.RunAsync(at, "status")).ExitCode);
    }

    [DaemonFact]
    public async Task A_reader_that_has_enough_ends_the_client()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        await area.PutTemplateAsync("debian", await lab.Masters.SmallAsync());
        var at = ClientRun.Servers(await area.StartAsync());
        var said = await ClientRun.BashAsync(at, "\"$0\" events | head -n 1 > /dev/null; echo ${PIPESTATUS[0]}");
        Assert.Equal(("141\n", ""), (said.Output, said.Error));
        Assert.Equal("1\n", (await ClientRun.BashAsync(at, "timeout 5 \"$0\" events --type volume -o json | jq -c '.data.status' | grep -c ok")).Output);
    }

    /// <summary>What several programs write to one file stands there one after the other.</summary>
    [DaemonFact]
    public async Task What_was_written_before_stays()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var at = ClientRun.Servers(await area.StartAsync());
        var file = Path.Combine(Lab.Directory, "written");
        await ClientRun.BashAsync(at, $"(echo before; \"$0\" template list -o csv | head -n 1; \"$0\" template list -o csv; echo after) > {file}");
        Assert.Matches("^before\nimage,.*\nimage,.*\ncentos,.*\nafter\n$", await File.ReadAllTextAsync(file));
    }

    /// <summary>Its memory is looked at when it has done everything but write, as the pipe is full.</summary>
    [DaemonFact]
    public async Task It_takes_little_memory()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        await area.PutTemplateAsync("debian", await lab.Masters.SmallAsync());
        var said = await ClientRun.BashAsync(ClientRun.Servers(await area.StartAsync()), """
            (head -c 65536 /dev/zero; exec "$0" template list) > >(sleep 3; cat > /dev/null) &
            sleep 2; grep VmHWM /proc/$!/status; readlink /proc/$!/exe; wait $!
            """);
        Assert.Contains(Repository.Daemon, said.Output, StringComparison.Ordinal);
        var kib = int.Parse(said.Output.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
        Assert.True(kib <= 45 * 1024, $"{kib} KiB");
    }
}
