using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using StorageHost.IntegrationTests.Fixtures;
using StorageHost.IntegrationTests.ImageStorages;
using Xunit;

namespace StorageHost.IntegrationTests.Faults;

/// <summary>What the log says of a mount that is away while requests keep coming.</summary>
[Collection(LabTests.Name)]
public sealed partial class AwayTests(Lab lab)
{
    // A line for the change and one for each minute of it: two have begun at most.
    private const int MostOfAKind = 3;
    private const int MostKinds = 20;

    private static readonly TimeSpan Away = TimeSpan.FromSeconds(65);

    [DaemonFact]
    public async Task A_mount_that_is_away_has_a_line_for_each_change_and_a_sum_for_each_minute()
    {
        await using var volume = await SickVolume.StartAsync(lab, "away1", "--Storage:RequireMount", "fuse.glusterfs", "--Storage:RescanInterval", "00:00:01");
        await volume.Area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        (await volume.Client.SetImageAsync("centos", "before")).Is(200);
        var earlier = Troubles(volume).Count;

        Signal.Send(Signal.Kill, await volume.Nodes[0].FuseClientAsync("away1"));
        var refused = 0;
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < Away; await Task.Delay(TimeSpan.FromMilliseconds(20)))
        {
            (await volume.Client.SetImageAsync("centos", string.Create(CultureInfo.InvariantCulture, $"away{refused++}"))).Refuses(503, "storage_unavailable");
            (await volume.Client.GetAsync("/?target=images")).Refuses(503, "storage_unavailable");
        }

        await Wait.UntilAsync("the sum of a minute", () => Task.FromResult(Troubles(volume).Any(line => Sum().IsMatch(line))));
        var kinds = Troubles(volume).Skip(earlier).GroupBy(line => Number().Replace(line, "n"), StringComparer.Ordinal).ToArray();
        Assert.True(refused > 200, $"{refused} requests");
        Assert.InRange(kinds.Length, 1, MostKinds);
        Assert.All(kinds, kind => Assert.True(kind.Count() <= MostOfAKind, $"{kind.Count()} times: {kind.Key}"));
        Assert.Single(Troubles(volume), line => line.Contains("The session with the volume ended: ", StringComparison.Ordinal));

        await volume.Nodes[0].UnmountAsync("away1");
        await volume.Nodes[0].MountAsync("away1");
        await volume.Daemon.ReadyAsync();
        var settled = Changes(volume);
        for (var number = 0; number < 20; number++)
        {
            (await volume.Client.GetAsync("/?target=images")).Is(200);
        }

        (await volume.Client.SetImageAsync("centos", "after")).Is(200);
        Assert.Equal(settled, Changes(volume));
        Assert.Equal(2, volume.Daemon.Output.Split("The storage directory is served").Length - 1);
    }

    /// <summary>Warnings and errors, without their time.</summary>
    private static List<string> Troubles(SickVolume volume) =>
        [.. volume.Daemon.Output.Split('\n').Select(line => Trouble().Match(line)).Where(line => line.Success).Select(line => line.Groups["text"].Value)];

    /// <summary>How many of them are no sums, which come until a minute later.</summary>
    private static int Changes(SickVolume volume) => Troubles(volume).Count(line => !Sum().IsMatch(line));

    [GeneratedRegex("^[0-9T:.+-]+ (WRN|ERR|FTL) (?<text>.*)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Trouble();

    [GeneratedRegex(" [0-9]+ more (requests|times) .*within a minute", RegexOptions.ExplicitCapture)]
    private static partial Regex Sum();

    // Also the identifiers of traces.
    [GeneratedRegex("[0-9a-f]*[0-9][0-9a-f]*", RegexOptions.ExplicitCapture)]
    private static partial Regex Number();
}
