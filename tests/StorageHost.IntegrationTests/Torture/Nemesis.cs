using StorageHost.IntegrationTests.Fixtures;
using StorageHost.IntegrationTests.Interception;

namespace StorageHost.IntegrationTests.Torture;

/// <summary>A volume of the cluster that may be hurt, and the daemons on it.</summary>
internal sealed record Ground(GlusterCluster Cluster, string Volume, Fleet Fleet, Random Random)
{
    public GlusterNode Node(int number) => Cluster.Nodes[number % Cluster.Nodes.Count];
}

/// <summary>What can befall the daemons and their cluster for a while.</summary>
/// <param name="Name">What it is called in the output.</param>
/// <param name="StrikeAsync">Lets it befall one node, waits as long as it is to last, and takes it away.</param>
internal sealed record Nemesis(string Name, Func<Ground, int, Func<Task>, Task> StrikeAsync)
{
    private const int OneOf = 30;

    public static IReadOnlyList<Nemesis> All { get; } =
    [
        new("a daemon killed", async (ground, node, last) =>
        {
            await ground.Fleet.KillAsync(node);
            await last();
            ground.Fleet.Start(node);
        }),
        new("a daemon stopped", async (ground, node, last) =>
        {
            await ground.Fleet.StopAsync(node);
            await last();
            ground.Fleet.Start(node);
        }),
        new("a brick killed", (ground, node, last) => WithoutBrickAsync(ground, async () =>
        {
            await ground.Node(node).KillBrickAsync(ground.Volume);
            await last();
            await ground.Cluster.ReviveAsync(ground.Volume);
        })),
        new("quorum lost", (ground, node, last) => WithoutBrickAsync(ground, async () =>
        {
            await ground.Node(node).KillBrickAsync(ground.Volume);
            await ground.Node(node + 1).KillBrickAsync(ground.Volume);
            await last();
            await ground.Cluster.ReviveAsync(ground.Volume);
        })),
        new("a node cut off", (ground, node, last) => WithoutBrickAsync(ground, async () =>
        {
            await ground.Node(node).CutOffAsync(ground.Cluster.Nodes);
            await last();
            await ground.Node(node).JoinAsync(ground.Cluster.Nodes);
        })),
        new("a mount that hangs", async (ground, node, last) => await HangAsync(await ground.Node(node).FuseClientAsync(ground.Volume), last)),
        new("a glusterd that hangs", async (ground, node, last) => await HangAsync(await ground.Node(node).ManagementDaemonAsync(), last)),
        new("passing errors", async (ground, node, last) =>
        {
            await ground.Fleet.StartAsync();
            Error[] passing = [Error.Named("ENOTCONN"), Error.Named("ESTALE")];
            await using var interceptor = await Interceptor.AttachAsync(ground.Fleet[node]!, ground.Fleet.Area.Directory, call => Task.FromResult(
                call.Inode == 0 && ground.Random.Next(OneOf) == 0 ? Verdict.Fail(passing[ground.Random.Next(passing.Length)].Number) : Verdict.Pass));
            await last();
        }),
    ];

    public static Nemesis Named(string name) => All.Single(nemesis => nemesis.Name == name);

    private static async Task WithoutBrickAsync(Ground ground, Func<Task> strikeAsync)
    {
        ground.Fleet.LacksBrick = true;
        await strikeAsync();
        await ground.Cluster.HadToReviveAsync(ground.Volume);
        await Task.WhenAll(ground.Cluster.Nodes.Select(node => node.ReachesBricksAsync(ground.Volume)));
        ground.Fleet.LacksBrick = false;
    }

    private static async Task HangAsync(int process, Func<Task> last)
    {
        Signal.Send(Signal.Stop, process);
        try
        {
            await last();
        }
        finally
        {
            Signal.Send(Signal.Continue, process);
        }
    }
}
