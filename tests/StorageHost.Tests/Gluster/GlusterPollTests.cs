using Microsoft.Extensions.Options;
using StorageHost.Gluster;
using StorageHost.ImageStorages;
using StorageHost.Tests.ImageStorages;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Gluster;

public sealed class GlusterPollTests : IAsyncLifetime, IDisposable
{
    private const string Status = "volume status all detail";
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    private readonly ManualTimeProvider clock = new();
    private readonly ListLog<GlusterSurvey> log = new();
    private readonly ListLog<HealSurvey> healLog = new();
    private readonly Known served = new();
    private FakeGluster gluster = null!;
    private PolledFacts<GlusterCluster> facts = null!;
    private FactPoller poller = null!;

    private Facts<GlusterCluster> Latest => facts.Latest;

    /// <summary>Whether the pause between two looks is all that it waits for: the deadline of a look is later than any pause ends.</summary>
    private bool Rests => clock.Waits is [var pause] && pause <= gluster.Options.MaxBackoff * 1.11;

    public async Task InitializeAsync()
    {
        gluster = await FakeGluster.StartAsync();
        var options = Options.Create(gluster.Options);
        var survey = new GlusterSurvey(gluster.Cli(), new HealSurvey(gluster.Cli(), healLog), served, options, clock);
        facts = new PolledFacts<GlusterCluster>(survey, new GlusterPollLog(log), clock);
        poller = new FactPoller([facts]);
    }

    public async Task DisposeAsync()
    {
        await poller.StopAsync(CancellationToken.None);
        Assert.False(gluster.Overlapped);
        Assert.Empty(gluster.Alive);
    }

    public void Dispose()
    {
        poller.Dispose();
        gluster.Dispose();
    }

    [Fact]
    public async Task Learns_everything()
    {
        Assert.Same(Facts<GlusterCluster>.None, Latest);
        gluster.Says("volume heal rep3 info summary", "heal-pending.xml");
        gluster.Says("volume heal rep2 info summary", "heal-split-brain.xml");

        await StartAsync();

        Assert.Equal((ManualTimeProvider.Start, null), (Latest.TakenAt, Latest.Problem));
        Assert.Equal(12, Latest.Value!.Volumes.Count);
        Assert.Equal((5, 0), (Volume("rep3").HealPending, Volume("rep3").SplitBrain));
        Assert.Equal((0, 1), (Volume("rep2").HealPending, Volume("rep2").SplitBrain));
        Assert.Null(Volume("dist").HealPending);
        Assert.Equal(11, gluster.Calls.Count);
        Assert.Empty(log.Lines);
    }

    [Fact]
    public async Task Looks_again_after_the_interval_give_or_take_a_tenth()
    {
        await StartAsync();

        clock.Advance(Interval * 0.89);
        Assert.True(Rests);
        gluster.Says(Status, "volume-status-brick-killed.xml");
        clock.Advance(Interval * 0.22);
        await RestsAsync();

        Assert.Equal(2, gluster.Calls.Count(call => call.EndsWith(Status, StringComparison.Ordinal)));
        Assert.InRange(Latest.TakenAt!.Value - ManualTimeProvider.Start, Interval * 0.9, Interval * 1.11);
        Assert.False(Volume("rep3").Bricks[1].IsOnline);
    }

    [Fact]
    public async Task A_status_that_hangs_leaves_the_bricks_as_they_were_and_everything_else_fresh()
    {
        await StartAsync();
        var heals = Heals();
        gluster.Options.Timeout = TimeSpan.FromSeconds(1);
        gluster.Does(Status, "exec sleep 60");
        gluster.Says("pool list", "pool-list-peer-down.xml");

        await NextAsync();

        Assert.Equal(ManualTimeProvider.Start, Latest.TakenAt);
        Assert.StartsWith("'gluster volume status all detail' did not answer within 1 s", Latest.Problem, StringComparison.Ordinal);
        Assert.Equal([true, true, null], Volume("rep3").Bricks.Select(brick => brick.IsOnline));
        Assert.Equal(0, Volume("rep3").HealPending);
        Assert.Equal(1, Latest.Value!.Nodes.Count(node => !node.IsConnected));
        Assert.Equal(heals, Heals());
    }

    [Fact]
    public async Task Pauses_longer_while_it_fails_up_to_a_limit_and_logs_once()
    {
        gluster.Options.MaxBackoff = Interval * 5;
        gluster.Does("volume info", "echo no; exit 1");
        await StartAsync();

        foreach (var pause in new[] { 2, 4, 5, 5 })
        {
            var calls = gluster.Calls.Count;
            clock.Advance(Interval * pause * 0.89);
            Assert.True(Rests);
            Assert.Equal(calls, gluster.Calls.Count);
            clock.Advance(Interval * pause * 0.22);
            await RestsAsync();
            Assert.Equal(calls + 2, gluster.Calls.Count);
        }

        gluster.Says("volume info", "volume-info.xml");
        await NextAsync();
        await NextAsync();

        Assert.Equal(
            "Warning: The Gluster cluster is not known in full: 'gluster volume info' failed: no\n"
            + "Information: The Gluster cluster is known in full again",
            string.Join('\n', log.Lines));
    }

    [Theory]
    [InlineData("echo garbage", "'gluster pool list' gave an answer that cannot be read: it is not XML")]
    [InlineData("echo '<cliOutput><opRet>-1</opRet><opErrstr>Internal error</opErrstr></cliOutput>'", "'gluster pool list' failed: Internal error")]
    [InlineData("head -c 9000000 /dev/zero", "'gluster pool list' answered more than 8 MiB")]
    [InlineData("echo Connection failed. Please check if gluster daemon is operational.; exit 1", "the Gluster daemon (glusterd) does not run on this node")]
    public async Task The_last_good_facts_are_served_with_their_age(string script, string problem)
    {
        await StartAsync();
        var good = Latest.Value;
        gluster.Does("pool list", script);

        await NextAsync();

        Assert.Equal((ManualTimeProvider.Start, problem), (Latest.TakenAt, Latest.Problem));
        Assert.Equal(string.Join(' ', good!.Nodes.Select(node => node.Name)), string.Join(' ', Latest.Value!.Nodes.Select(node => node.Name)));
        Assert.Equal(good.Volumes.SelectMany(volume => volume.Bricks), Latest.Value.Volumes.SelectMany(volume => volume.Bricks));
    }

    [Fact]
    public async Task Without_Gluster_there_is_no_problem_until_it_was_seen()
    {
        gluster.Does("pool list", "echo Connection failed. Please check if gluster daemon is operational.; exit 1");
        await StartAsync();
        await NextAsync();

        Assert.Same(Facts<GlusterCluster>.None, Latest);
        Assert.Equal("Information: No Gluster on this node: the Gluster daemon (glusterd) does not run on this node", Assert.Single(log.Lines));

        gluster.Does("pool list", "exit 1");
        gluster.Does("volume info", "exit 1");
        await NextAsync();
        Assert.Equal(new Facts<GlusterCluster>(null, null, "'gluster pool list' failed: exit code 1"), Latest);

        gluster.Does("pool list", "echo Connection failed. Please check if gluster daemon is operational.; exit 1");
        await NextAsync();
        Assert.Equal(new Facts<GlusterCluster>(null, null, "the Gluster daemon (glusterd) does not run on this node"), Latest);
    }

    [Fact]
    public async Task A_node_without_the_program_is_one_without_Gluster()
    {
        gluster.Options.Path = "/no/such/gluster";

        await StartAsync();

        Assert.Same(Facts<GlusterCluster>.None, Latest);
        Assert.Equal("Information: No Gluster on this node: the gluster program is not installed on this node", Assert.Single(log.Lines));
    }

    [Fact]
    public async Task A_fault_of_our_own_is_a_problem_and_not_the_end()
    {
        var path = gluster.Options.Path;
        gluster.Options.Path = null!;
        await StartAsync();
        Assert.Equal(new Facts<GlusterCluster>(null, null, "the Gluster cluster could not be looked at: internal error"), Latest);

        gluster.Options.Path = path;
        await NextAsync();
        Assert.Null(Latest.Problem);
        Assert.NotNull(Latest.Value);
    }

    [Fact]
    public async Task Volumes_that_were_locked_are_asked_alone()
    {
        gluster.Says(Status, "volume-status-locked.xml");
        foreach (var volume in new[] { "arb", "dd", "dist" })
        {
            gluster.Says($"volume status {volume} detail", "volume-status.xml");
        }

        await StartAsync();

        Assert.Null(Latest.Problem);
        Assert.All(Volume("dist").Bricks, brick => Assert.True(brick.IsOnline));
        Assert.Single(gluster.Calls, call => call.Contains("status arb", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_volume_that_stays_locked_is_said_to_be()
    {
        gluster.Says(Status, "volume-status-locked.xml");
        gluster.Says("volume status arb detail", "volume-status-busy.xml");

        await StartAsync();

        const string Busy = "'gluster volume status arb detail' failed: Another transaction is in progress for rep3. Please try again after some time.";
        Assert.Equal((null, Busy), (Latest.Problem, Volume("arb").Problem));
        Assert.Equal($"Warning: The Gluster cluster is not known in full: volume arb: {Busy} (and 2 more volumes)", Assert.Single(log.Lines));
        Assert.All(Volume("arb").Bricks, brick => Assert.Null(brick.IsOnline));
        Assert.All(Volume("rep3").Bricks, brick => Assert.True(brick.IsOnline));
    }

    [Fact]
    public async Task A_volume_that_never_comes_is_not_asked_for_ever()
    {
        gluster.Says(Status, "volume-status-locked.xml");
        foreach (var volume in new[] { "arb", "dd", "dist" })
        {
            gluster.Does($"volume status {volume} detail", "echo '<cliOutput><opRet>0</opRet></cliOutput>'");
        }

        await StartAsync();

        Assert.All(Volume("arb").Bricks, brick => Assert.Null(brick.IsOnline));
        Assert.Equal("'gluster volume status arb detail' says nothing of it", Volume("arb").Problem);
        Assert.Equal(14, gluster.Calls.Count);
    }

    [Fact]
    public async Task Without_the_summary_the_count_is_asked()
    {
        foreach (var volume in new[] { "rep3", "dis" })
        {
            gluster.Does($"volume heal {volume} info summary", "echo 'Usage:'; exit 1");
        }

        gluster.Says("volume heal rep3 statistics heal-count", "heal-count.txt");
        gluster.Does("volume heal arb info summary", "exit 1");
        gluster.Does("volume heal arb statistics heal-count", "exit 1");

        await StartAsync();
        await NextAsync();

        Assert.Null(Latest.Problem);
        Assert.Equal((5, null), (Volume("rep3").HealPending, Volume("rep3").SplitBrain));
        Assert.Null(Volume("arb").HealPending);
        Assert.Null(Volume("dis").HealPending);
        Assert.DoesNotContain(gluster.Calls, call => call.Contains("dis statistics", StringComparison.Ordinal));
        Assert.Equal(3, healLog.Lines.Count);
        Assert.Single(healLog.Lines, line =>
            line == "Warning: The heal counts are incomplete: 'gluster volume heal rep3 info summary' failed: Usage:");
    }

    [Fact]
    public async Task Heals_that_take_long_do_not_keep_the_bricks_waiting_and_those_left_are_asked_next()
    {
        gluster.Does("volume heal dd info summary", "while ! [ -e go ]; do sleep 0.01; done; cat " + Canned.Path("heal-pending-disperse.xml"));
        await poller.StartAsync(CancellationToken.None);
        await Eventually.HoldsAsync(() => Heals() == "arb darb dd");
        Assert.NotNull(Latest.Value);

        clock.Advance(Interval * 1.01);
        gluster.Does("go", "");
        await RestsAsync();
        Assert.Equal("arb darb dd", Heals());
        Assert.Equal((2, null), (Volume("dd").HealPending, Volume("rep3").HealPending));

        await NextAsync();
        Assert.Equal("arb darb dd dis dr dr2 rep2 rep3 arb dd", Heals());
        Assert.Equal(0, Volume("rep3").HealPending);
    }

    [Fact]
    public async Task Stopping_stops_a_command_that_hangs()
    {
        gluster.Does(Status, "exec sleep 60");
        await poller.StartAsync(CancellationToken.None);
        await Eventually.HoldsAsync(() => gluster.Calls.Any(call => call.EndsWith(Status, StringComparison.Ordinal)));

        await Eventually.EndsAsync(poller.StopAsync(CancellationToken.None));

        Assert.Empty(gluster.Alive);
        Assert.Empty(log.Lines);
    }

    private GlusterVolume Volume(string name) => Latest.Value!.Volumes.Single(volume => volume.Name == name);

    /// <summary>The volumes that were asked what they have to heal, in order.</summary>
    private string Heals() => string.Join(' ', gluster.Calls.Select(call => call.Split(' ')).Where(call => call[3] == "heal").Select(call => call[4]));

    private async Task StartAsync()
    {
        await poller.StartAsync(CancellationToken.None);
        await RestsAsync();
    }

    /// <summary>Lets the longest pause go by, and waits for the look after it.</summary>
    private async Task NextAsync()
    {
        clock.Advance(gluster.Options.MaxBackoff * 1.11);
        await RestsAsync();
    }

    private Task RestsAsync() => Eventually.HoldsAsync(() => Rests);
}
