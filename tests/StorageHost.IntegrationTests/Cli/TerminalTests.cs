using System.Text.RegularExpressions;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Cli;

/// <summary>The client on a pseudo-terminal, and when it is interrupted.</summary>
[Collection(LabTests.Name)]
public sealed partial class TerminalTests(Lab lab)
{
    [DaemonFact]
    public async Task Tables_and_bars_are_drawn_and_questions_asked()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var daemon = await area.StartAsync();
        var at = ClientRun.Servers(daemon);

        var drawn = await ClientRun.OnTerminalAsync(at, "", "A=b", "template", "list");
        Assert.Contains("───", drawn.Output, StringComparison.Ordinal);
        Assert.Contains("\u001b[1m", drawn.Output, StringComparison.Ordinal);
        drawn = await ClientRun.OnTerminalAsync(at, "", "A=b", "pool", "set", "centos", "2", "--wait");
        Assert.Contains("━━━", drawn.Output, StringComparison.Ordinal);
        Assert.Contains("100%", drawn.Output, StringComparison.Ordinal);
        Assert.Matches(Colour(), drawn.Output);
        drawn = await ClientRun.OnTerminalAsync(at, "", "NO_COLOR=1", "disk", "create", "web01", "centos", "--wait");
        Assert.Equal(0, drawn.ExitCode);
        Assert.DoesNotMatch(Colour(), drawn.Output);

        var asked = await ClientRun.OnTerminalAsync(at, "n", "A=b", "disk", "delete", "web01");
        Assert.Equal(5, asked.ExitCode);
        Assert.Contains("Delete the disk of web01? [y/N]", asked.Output, StringComparison.Ordinal);
        Assert.True(area.Has("web01.qcow2"));
        Assert.Equal(0, (await ClientRun.OnTerminalAsync(at, "y", "A=b", "disk", "delete", "web01")).ExitCode);
        Assert.False(area.Has("web01.qcow2"));
    }

    [DaemonFact]
    public async Task Interrupted_once_the_job_goes_on_and_twice_it_is_cancelled()
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        await area.PutTemplateAsync("big", await lab.Masters.SolidAsync(500));
        var daemon = await area.StartAsync();
        var at = ClientRun.Servers(daemon);

        var once = ClientRun.Start(at, "pool", "set", "big", "10", "--wait");
        await daemon.Client.CopyingAsync("big", 10);
        await Task.Delay(TimeSpan.FromSeconds(1));
        once.Interrupt();
        var said = await once.EndAsync();
        Assert.True(said.ExitCode == 130, said.Error);
        Assert.Contains("the job goes on", said.Error, StringComparison.Ordinal);
        Assert.Equal(10, (await daemon.Client.GetAsync("/pools/big")).Is(200).GetProperty("wanted").GetInt32());

        await ClientRun.DoAsync(at, "pool", "set", "big", "0");
        var twice = ClientRun.Start(at, "pool", "set", "big", "9", "--wait");
        await daemon.Client.CopyingAsync("big", 9);
        await Task.Delay(TimeSpan.FromSeconds(1));
        twice.Interrupt();
        await Task.Delay(TimeSpan.FromMilliseconds(500));
        twice.Interrupt();
        said = await twice.EndAsync();
        Assert.True(said.ExitCode == 5, said.Error);
        Assert.True((await daemon.Client.GetAsync("/pools/big")).Is(200).GetProperty("wanted").GetInt32() < 9);
    }

    [GeneratedRegex("\u001b\\[38;")]
    private static partial Regex Colour();
}
