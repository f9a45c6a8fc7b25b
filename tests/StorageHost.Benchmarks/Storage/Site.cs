using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.Benchmarks.Storage;

/// <summary>A storage directory and the daemon that serves it.</summary>
internal sealed class Site(Workbench bench, StorageArea area) : IAsyncDisposable
{
    public StorageArea Area => area;

    public Daemon Daemon { get; private set; } = null!;

    public Client Client => Daemon.Client;

    /// <summary>Starts the daemon, with the run's own settings last.</summary>
    public async Task StartAsync(params string[] settings)
    {
        await StopAsync();
        Daemon = await area.StartAsync([.. settings, .. bench.Plan.Settings]);
    }

    public async Task StopAsync()
    {
        if (Daemon is { HasExited: false })
        {
            bench.PeakRss = Math.Max(bench.PeakRss, Daemon.PeakRss);
            await Daemon.StopAsync();
        }
    }

    /// <summary>Deletes the files of that pattern as an operator would, behind the daemon's back.</summary>
    public void Delete(string pattern)
    {
        foreach (var file in Directory.EnumerateFiles(area.Seen(), pattern))
        {
            File.Delete(file);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await area.DisposeAsync();
    }
}
