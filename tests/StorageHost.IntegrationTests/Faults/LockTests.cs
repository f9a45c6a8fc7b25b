using System.Globalization;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Faults;

/// <summary>
/// The daemon waits for one lock of a mount at a time. A client of Gluster hangs for good when two of those who wait for a lock are killed
/// while the bricks are away (its issue 4371).
/// </summary>
[Collection(LabTests.Name)]
public sealed class LockTests(Lab lab)
{
    private const int Callers = 12;
    private const int MostTries = 40;
    private const int EnoughTries = 5; // in which one waited
    private const string SetLock = "72 0x"; // fcntl, with a descriptor
    private const string OpenFileDescriptionLock = " 0x25 "; // F_OFD_SETLK

    [DaemonFact]
    public async Task At_most_one_thread_waits_for_a_lock()
    {
        await using var area = await lab.AreaAsync(StorageKind.Distribute);
        var (node, daemon) = ((await lab.ClusterAsync()).Nodes[0], await area.StartAsync());
        using var stop = new CancellationTokenSource();
        var adding = Enumerable.Range(0, Callers).Select(caller => AddAsync(area.Oracle, daemon.Client, $"web{caller}", stop.Token)).ToArray();
        var fuse = await node.FuseClientAsync("distribute");
        var (waited, most) = (0, 0);
        for (var tries = 0; tries < MostTries && waited < EnoughTries; tries++)
        {
            await Task.Delay(Random.Shared.Next(100, 300));
            Signal.Send(Signal.Stop, fuse);
            try
            {
                await Task.Delay(200); // whoever is on the way to its lock gets there
                var waiting = Directory.GetDirectories($"/proc/{daemon.Pid}/task").Count(WaitsForLock);
                (waited, most) = (waited + (waiting > 0 ? 1 : 0), Math.Max(most, waiting));
            }
            finally
            {
                Signal.Send(Signal.Continue, fuse);
            }
        }

        await stop.CancelAsync();
        await Task.WhenAll(adding);
        Assert.True(waited > 0, "no thread was ever seen to wait for a lock: the test shows nothing");
        Assert.Equal(1, most);
        await area.Oracle.CheckAsync();
    }

    private static bool WaitsForLock(string thread)
    {
        try
        {
            return File.ReadAllText(Path.Combine(thread, "syscall")) is var call && call.StartsWith(SetLock, StringComparison.Ordinal)
                && call.Contains(OpenFileDescriptionLock, StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false; // it ended meanwhile
        }
    }

    private static async Task AddAsync(Oracle oracle, Client client, string host, CancellationToken stop)
    {
        for (var size = 1; !stop.IsCancellationRequested; size++)
        {
            (await client.AddStorageAsync(host, size)).Is(200);
            lock (oracle)
            {
                oracle.DataDisk(string.Create(CultureInfo.InvariantCulture, $"{host}_storage_{size}G"));
            }
        }
    }
}
