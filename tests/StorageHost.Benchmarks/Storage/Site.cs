using System.Text.Json;
using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.Benchmarks.Storage;

/// <summary>A storage directory and the daemon that serves it.</summary>
internal sealed class Site(Workbench bench, StorageArea area) : IAsyncDisposable
{
    /// <summary>How often the daemon is asked whether a job has ended: its own clock has the time, and each question costs its processors some.</summary>
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(200);

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

    /// <summary>Sets a level and waits for the daemon's job to end.</summary>
    /// <returns>How long that took by the job's own clock, from just before the request; in milliseconds.</returns>
    public async Task<double> TimeFillAsync(string image, int wanted)
    {
        var start = TimeProvider.System.GetUtcNow();
        (await Client.DupAsync(image, wanted)).Is(200);
        DateTimeOffset? ended = null;
        await Wait.UntilAsync($"{wanted} copies of {image}", async () => (ended = await EndAsync(image, start)) is not null, seconds: 600, Glance);
        return (ended!.Value - start).TotalMilliseconds;
    }

    /// <summary>
    /// Sets a level and waits until nothing in the directory changes any more (the daemon claims copies ahead, up to half of a level, when
    /// it has nothing else to do), and until what was written before is on the disk: below the bricks' loop devices lies a page cache, and
    /// an fsync waits for all of its file that is in it.
    /// </summary>
    public async Task FillAndRestAsync(string image, int wanted)
    {
        await Client.FillAsync(image, wanted, seconds: 300);
        for (string? before = null, now = Names(); before != now; (before, now) = (now, Names()))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(500));
        }

        await Shell.RunAsync("sync");
    }

    /// <summary>Deletes the files of that pattern as an operator would, behind the daemon's back.</summary>
    public void Delete(string pattern) =>
        Parallel.ForEach(Directory.GetFiles(area.Seen(), pattern), new ParallelOptions { MaxDegreeOfParallelism = 16 }, File.Delete);

    private string Names() => string.Join('/', Directory.EnumerateFiles(area.Seen(), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal));

    private async Task<DateTimeOffset?> EndAsync(string image, DateTimeOffset since)
    {
        var job = (await Client.GetAsync("/jobs")).Is(200).GetProperty("jobs").EnumerateArray()
            .FirstOrDefault(job => job.Text("image") == image && job.GetProperty("created").GetDateTimeOffset() >= since);
        return job.ValueKind == JsonValueKind.Object && job.GetProperty("ended") is { ValueKind: JsonValueKind.String } ended ? ended.GetDateTimeOffset() : null;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await area.DisposeAsync();
    }
}
