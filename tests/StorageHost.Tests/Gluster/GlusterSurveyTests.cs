using Microsoft.Extensions.Options;
using StorageHost.Gluster;
using StorageHost.ImageStorages;
using StorageHost.Tests.ImageStorages;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Gluster;

/// <summary>One look, with a program in the place of gluster.</summary>
public sealed class GlusterSurveyTests : IAsyncLifetime, IDisposable
{
    private readonly Known known = new();
    private FakeGluster gluster = null!;
    private GlusterSurvey survey = null!;

    public async Task InitializeAsync()
    {
        gluster = await FakeGluster.StartAsync();
        var (cli, options) = (gluster.Cli(), Options.Create(gluster.Options));
        survey = new GlusterSurvey(cli, new HealSurvey(cli, new ListLog<HealSurvey>()), known, options, new ManualTimeProvider());
    }

    public Task DisposeAsync()
    {
        Assert.False(gluster.Overlapped);
        return Task.CompletedTask;
    }

    public void Dispose() => gluster.Dispose();

    [Theory]
    [InlineData("peer-rejected", "vms degraded", "node1 node2 node3", 0)]
    [InlineData("tier", "tiered unknown, vms ok", "node1 node2 node3", 1)]
    [InlineData("3.6", "music degraded, test1 broken", "node1 node2", 0)]
    public async Task What_was_reported_is_read(string folder, string states, string hosts, int unreadable)
    {
        gluster.SaysAll(folder);

        await LookAsync();

        var answer = known.Get();
        var told = answer.GlusterVolumes.Select(volume => $"{volume.VolumeId} {volume.Status.ToString().ToLowerInvariant()}");
        Assert.Equal(states, string.Join(", ", told));
        Assert.Equal(hosts, string.Join(' ', answer.Hosts));
        Assert.Null(known.Cluster.Problem);
        Assert.Equal(unreadable, Unreadable());
    }

    [Fact]
    public async Task What_3_6_counts_as_text_is_shown()
    {
        gluster.SaysAll("3.6");

        await LookAsync();

        Assert.Equal("3 entries wait to be healed", known.Get().GlusterVolumes[0].StatusMsg);
    }

    [Theory]
    [InlineData("pool list")]
    [InlineData("volume info")]
    [InlineData("volume status all detail")]
    [InlineData("volume heal rep3 info summary")]
    public async Task Every_answer_that_cannot_be_read_is_counted_once_as_one_kind_of_fault(string command)
    {
        gluster.Does(command, $"head -c 500 {Canned.Path("volume-info.xml")}");

        await LookAsync();

        Assert.Equal(1, Unreadable());
    }

    [Fact]
    public async Task Without_the_volumes_there_are_the_hosts()
    {
        gluster.Does("volume info", "echo '<?xml'");

        await LookAsync();

        Assert.Equal("'gluster volume info' gave an answer that cannot be read: it is cut short", known.Cluster.Problem);
        Assert.Equal(3, known.Get().Hosts.Count);
    }

    [Fact]
    public async Task Without_the_nodes_there_are_the_volumes_and_none_is_said_to_be_well()
    {
        gluster.Does("pool list", "");

        await LookAsync();

        Assert.Equal("'gluster pool list' gave an answer that cannot be read: it is empty", known.Cluster.Problem);
        Assert.Equal(12, known.Get().GlusterVolumes.Count);
        Assert.DoesNotContain(known.Get().GlusterVolumes, volume => volume.Status == VolumeStatus.Ok);
    }

    [Fact]
    public async Task One_volume_that_breaks_the_answer_for_all_leaves_the_others_as_ever()
    {
        gluster.Does("volume status all detail", "echo '<?xml version=\"1.0\"?><cliOutput><opRet>0</opRet><volStatus><dd'");
        foreach (var volume in Canned.Xml("volume-status.xml").Descendants("volume"))
        {
            gluster.Does(
                $"volume status {volume.Element("volName")!.Value} detail",
                Printing($"<cliOutput><opRet>0</opRet><volStatus><volumes>{volume}</volumes></volStatus></cliOutput>"));
        }

        gluster.Does("volume status dd detail", "echo '<?xml version=\"1.0\"?><cliOutput><opRet>0</opRet><volStatus><dd'");
        gluster.Does("volume status arb detail", "echo '<cliOutput><opRet>0</opRet></cliOutput>'");

        await LookAsync();

        Assert.Null(known.Cluster.Problem);
        var states = known.Get().GlusterVolumes.ToDictionary(volume => volume.VolumeId, volume => volume.StatusMsg, StringComparer.Ordinal);
        Assert.Equal("its bricks could not be asked: 'gluster volume status arb detail' says nothing of it", states["arb"]);
        Assert.Equal("its bricks could not be asked: 'gluster volume status dd detail' gave an answer that cannot be read: it is cut short", states["dd"]);
        Assert.Equal("", states["rep3"]);
    }

    [Theory]
    [InlineData("another transaction", "echo '<cliOutput><opRet>-1</opRet><opErrstr>Another transaction is in progress</opErrstr></cliOutput>'")]
    [InlineData("hangs", "exec sleep 60")]
    public async Task Where_the_whole_cluster_is_locked_or_hangs_no_volume_is_asked_alone(string what, string script)
    {
        gluster.Options.Timeout = TimeSpan.FromSeconds(1);
        gluster.Does("volume status all detail", script);

        await LookAsync();

        Assert.NotNull(known.Cluster.Problem);
        Assert.Equal((what, 3), (what, gluster.Calls.Count));
    }

    [Fact]
    public async Task A_farm_of_300_volumes_that_do_not_heal_takes_three_commands()
    {
        var names = Enumerable.Range(100, 300).Select(n => $"v{n}").ToList();
        var volumes = string.Concat(names.Select(name => VersionTests.Volume(name, "Distribute", "", "a", "b")));
        gluster.Does("volume info", Printing(VersionTests.Info(volumes)));
        gluster.Does("volume status all detail", Printing(VersionTests.StatusOfAll(names, "a", "b")));

        await LookAsync();

        Assert.Equal(3, gluster.Calls.Count);
        Assert.Equal(300, known.Get().GlusterVolumes.Count);
        Assert.All(known.Cluster.Value!.Volumes, volume => Assert.All(volume.Bricks, brick => Assert.True(brick.IsOnline)));
    }

    private static string Printing(string text) => $"cat <<'END'\n{text}\nEND";

    private double Unreadable() => gluster.Meters.Measured["storagehost.gluster.failures{fault=unreadable}"].Sum;

    private async Task LookAsync()
    {
        await foreach (var facts in survey.LookAsync(CancellationToken.None))
        {
            known.Cluster = facts;
        }
    }
}
