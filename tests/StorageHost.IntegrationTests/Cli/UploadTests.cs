using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Cli;

/// <summary>Uploads of the client that are broken off.</summary>
[Collection(LabTests.Name)]
public sealed class UploadTests(Lab lab)
{
    [DaemonFact]
    public async Task When_the_node_dies_in_the_middle_the_upload_goes_on_at_the_next_one()
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        var (first, second) = (await area.StartAsync(), await area.StartAsync());
        var master = await lab.Masters.SolidAsync(700);
        var run = ClientRun.Start(ClientRun.Servers(first, second), "template", "upload", "centos", master);
        await first.Client.CopyingAsync("centos", 1);
        await first.KillAsync();
        var said = await run.EndAsync();
        Assert.True(said.ExitCode == 0, said.Error);
        Assert.Contains("going on", said.Error, StringComparison.Ordinal);
        area.Oracle.Template("centos", master);
        await area.Oracle.CheckAsync();
    }

    [DaemonFact]
    public async Task When_the_only_node_is_started_again_the_upload_goes_on()
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        var address = new Uri($"http://127.0.0.1:{Daemon.FreePort()}");
        var daemon = await area.StartAsync(address, null);
        var master = await lab.Masters.SolidAsync(700);
        var run = ClientRun.Start(ClientRun.Servers(daemon), "template", "upload", "centos", master);
        await daemon.Client.CopyingAsync("centos", 1);
        await daemon.KillAsync();
        await area.StartAsync(address, null);
        var said = await run.EndAsync();
        Assert.True(said.ExitCode == 0, said.Error);
        area.Oracle.Template("centos", master);
        await area.Oracle.CheckAsync();
    }

    [DaemonFact]
    public async Task Interrupted_once_it_can_go_on_and_twice_it_is_cancelled()
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        var daemon = await area.StartAsync();
        var at = ClientRun.Servers(daemon);
        var master = await lab.Masters.SolidAsync(700);
        var once = ClientRun.Start(at, "template", "upload", "centos", master);
        await daemon.Client.CopyingAsync("centos", 1);
        once.Interrupt();
        var said = await once.EndAsync();
        Assert.True(said.ExitCode == 130, said.Error);
        Assert.Contains("the same command goes on with it", said.Error, StringComparison.Ordinal);

        var twice = ClientRun.Start(at, "template", "upload", "other", master);
        await Wait.UntilAsync("the other to come", async () => (await UploadsAsync(daemon)).Count == 2);
        twice.Interrupt();
        await Task.Delay(TimeSpan.FromMilliseconds(500));
        twice.Interrupt();
        said = await twice.EndAsync();
        Assert.True(said.ExitCode == 5, said.Error);
        Assert.Single(await UploadsAsync(daemon));

        said = await ClientRun.RunAsync(at, "template", "upload", "centos", master);
        Assert.True(said.ExitCode == 0, said.Error);
        Assert.Contains("going on with the upload", said.Error, StringComparison.Ordinal);
        area.Oracle.Template("centos", master);
        await area.Oracle.CheckAsync();
    }

    private static async Task<IReadOnlyList<string>> UploadsAsync(Daemon daemon) =>
        [.. (await daemon.Client.GetAsync("/uploads")).Is(200).GetProperty("uploads").EnumerateArray().Select(upload => upload.GetProperty("image").GetString()!)];
}
