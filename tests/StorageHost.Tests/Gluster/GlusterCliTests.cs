using StorageHost.Gluster;
using Xunit;

namespace StorageHost.Tests.Gluster;

public sealed class GlusterCliTests
{
    [Fact]
    public async Task Runs_exactly_these()
    {
        using var gluster = await FakeGluster.StartAsync();
        gluster.Says("volume status rep3 detail", "volume-status.xml");
        gluster.Says("volume heal rep3 statistics heal-count", "heal-count.txt");
        var cli = gluster.Cli();

        await cli.PeerListAsync(CancellationToken.None);
        await cli.VolumeInfoAsync(CancellationToken.None);
        await cli.VolumeStatusAsync("rep3", CancellationToken.None);
        await cli.HealSummaryAsync("rep3", CancellationToken.None);
        await cli.HealCountAsync("rep3", CancellationToken.None);

        const string Flags = "--mode=script --xml";
        Assert.Equal(
            $"{Flags} pool list\n{Flags} volume info\n{Flags} volume status rep3 detail\n"
            + $"{Flags} volume heal rep3 info summary\n{Flags} volume heal rep3 statistics heal-count",
            string.Join('\n', gluster.Calls));
    }

    [Fact]
    public async Task Is_stopped_at_the_deadline_and_leaves_nothing_over()
    {
        using var gluster = await FakeGluster.StartAsync();
        gluster.Options.Timeout = TimeSpan.FromSeconds(1);
        gluster.Does("volume status all detail", "trap '' TERM; sleep 60 & echo $! >> pids; wait; sleep 60");

        var fault = await Assert.ThrowsAsync<GlusterException>(() => gluster.Cli().AllVolumesStatusAsync(50, CancellationToken.None));

        Assert.Equal(GlusterFault.Hung, fault.Fault);
        Assert.Equal(
            "'gluster volume status all detail' did not answer within 1 s: the Gluster daemon of some node may be stopped or cut off", fault.Message);
        await Support.Eventually.HoldsAsync(() => gluster.Alive.Count == 0);
    }

    [Fact]
    public async Task The_status_of_many_volumes_may_take_as_many_times_as_long()
    {
        using var gluster = await FakeGluster.StartAsync();
        gluster.Options.Timeout = TimeSpan.FromMilliseconds(100);
        gluster.Does("volume status all detail", "exec sleep 60");

        var fault = await Assert.ThrowsAsync<GlusterException>(() => gluster.Cli().AllVolumesStatusAsync(101, CancellationToken.None));

        Assert.StartsWith("'gluster volume status all detail' did not answer within 0.3 s", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Heals_have_the_time_that_bricks_take_to_be_given_up()
    {
        using var gluster = await FakeGluster.StartAsync();
        gluster.Options.Timeout = TimeSpan.FromMilliseconds(1);
        gluster.Does("volume heal rep3 info summary", $"sleep 0.5; cat {Canned.Path("heal-pending.xml")}");

        Assert.NotNull(await gluster.Cli().HealSummaryAsync("rep3", CancellationToken.None));
    }

    [Fact]
    public async Task A_flood_is_refused()
    {
        using var gluster = await FakeGluster.StartAsync();
        gluster.Does("volume info", "head -c 9000000 /dev/zero | tr '\\0' '<'");

        var fault = await Assert.ThrowsAsync<GlusterException>(() => gluster.Cli().VolumeInfoAsync(CancellationToken.None));

        Assert.Equal("'gluster volume info' answered more than 8 MiB", fault.Message);
    }

    [Fact]
    public async Task Says_that_the_program_is_not_there()
    {
        using var gluster = await FakeGluster.StartAsync();
        gluster.Options.Path = "/no/such/gluster";

        var fault = await Assert.ThrowsAsync<GlusterException>(() => gluster.Cli().PeerListAsync(CancellationToken.None));

        Assert.Equal((GlusterFault.NotInstalled, "the gluster program is not installed on this node"), (fault.Fault, fault.Message));
    }

    [Fact]
    public async Task Is_stopped_when_nobody_asks_any_more()
    {
        using var gluster = await FakeGluster.StartAsync();
        gluster.Does("pool list", "exec sleep 60");
        using var cancel = new CancellationTokenSource();

        var asking = gluster.Cli().PeerListAsync(cancel.Token);
        await Support.Eventually.HoldsAsync(() => gluster.Calls.Count == 1);
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
        Assert.Empty(gluster.Alive);
    }
}
