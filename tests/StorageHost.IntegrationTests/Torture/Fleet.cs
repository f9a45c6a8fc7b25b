using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.IntegrationTests.Torture;

/// <summary>The daemons of one directory, one at each place, as they come and go.</summary>
internal sealed class Fleet(StorageArea area, params string[] settings)
{
    private readonly Daemon?[] daemons = new Daemon?[area.Places.Count];

    public StorageArea Area => area;

    public int Size => daemons.Length;

    /// <summary>Whether a brick is away, or some mount has not found it again. What is deleted meanwhile may come back for a while (docs/reliability.md).</summary>
    public bool LacksBrick { get; set; }

    /// <summary>The daemon at a place; null while there is none.</summary>
    public Daemon? this[int place] => Volatile.Read(ref daemons[place]);

    /// <summary>Starts the daemons that are not there, and waits until all are ready.</summary>
    public async Task StartAsync(int seconds = 30)
    {
        for (var place = 0; place < Size; place++)
        {
            await Wait.UntilAsync($"the daemon at place {place} to be ready", async () =>
            {
                Start(place);
                return await daemons[place]!.Client.StatusAsync("/readyz") == 200;
            }, seconds);
        }
    }

    /// <summary>Starts a daemon unless there is one, and does not wait. One that could not reach its storage when it began has ended since.</summary>
    public void Start(int place)
    {
        if (daemons[place] is null or { HasExited: true })
        {
            var daemon = area.Launch(place, settings);
            daemon.Client.ClosesConnections();
            Volatile.Write(ref daemons[place], daemon);
        }
    }

    public async Task KillAsync(int place)
    {
        if (daemons[place] is { } daemon)
        {
            Volatile.Write(ref daemons[place], null);
            await daemon.KillAsync();
        }
    }

    /// <summary>Asks a daemon to stop, unless it has ended by itself; it must, in its time.</summary>
    public async Task StopAsync(int place)
    {
        if (daemons[place] is { HasExited: false } daemon)
        {
            Volatile.Write(ref daemons[place], null);
            await daemon.StopAsync();
        }
    }

    /// <summary>Any of the daemons that are there; waits for one.</summary>
    public async Task<Client> PickAsync(Random random)
    {
        var choice = random.Next(Size);
        return await Wait.ForAsync("a daemon to be there", () => Task.FromResult(
            Enumerable.Range(choice, Size).Select(place => this[place % Size] is { HasExited: false } daemon ? daemon.Client : null).FirstOrDefault(client => client is not null)));
    }

    /// <summary>Waits until every pool of every daemon is at its level.</summary>
    public async Task SettledAsync(int seconds = 40)
    {
        foreach (var daemon in daemons.OfType<Daemon>())
        {
            await Operation.SettledAsync(new Stage(area, daemon.Client, ""), seconds);
        }
    }
}
