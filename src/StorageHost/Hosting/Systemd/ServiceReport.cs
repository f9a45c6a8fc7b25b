using Microsoft.Extensions.Options;
using StorageHost.Files.Session;
using StorageHost.Images.Pools;

namespace StorageHost.Hosting.Systemd;

/// <summary>Tells systemd when the daemon is ready, how its pools are whenever that changes, and when it stops.</summary>
internal sealed class ServiceReport(
    ServiceManager manager, PoolTable pools, PoolReconciler reconciler, IOptions<StorageOptions> storage, IHostApplicationLifetime lifetime,
    TimeProvider time) : BackgroundService, IHostedLifecycleService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>How many pools that are not as they should be are named.</summary>
    private const int Named = 3;

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>It listens: Kestrel is started last.</summary>
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        manager.Tell(ServiceState.Ready);
        return Task.CompletedTask;
    }

    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        manager.Tell(
            $"{ServiceState.Stopping}\n{ServiceState.Status("Stopping: callers who wait are told, and what was claimed goes back")}");
        return Task.CompletedTask;
    }

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>How it is, in one line.</summary>
    internal string Describe() =>
        reconciler.Problem is { } problem
            ? $"{storage.Value.Directory} is not served: {problem}"
            : $"Serving {storage.Value.Directory}: {DescribePools()}";

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!manager.Listens)
        {
            return;
        }

        // What is said of stopping stays.
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, lifetime.ApplicationStopping);
        using var ticks = new PeriodicTimer(Interval, time);
        var told = "";
        do
        {
            if (Describe() is var now && now != told)
            {
                told = now;
                manager.Tell(ServiceState.Status(now));
            }
        }
        while (await ticks.WaitForNextTickAsync(stopping.Token));
    }

    private string DescribePools()
    {
        var all = pools.All;
        var lacking = all.Where(pool => pool.Ready < pool.Wanted || pool.Waiting > 0).ToList();
        return string.Join("; ",
        [
            $"{all.Sum(pool => pool.Ready)} of {all.Sum(pool => pool.Wanted)} copies ready",
            .. lacking.Take(Named).Select(Describe),
            .. lacking.Count > Named ? [$"and {lacking.Count - Named} more"] : Array.Empty<string>(),
        ]);
    }

    private static string Describe(Pool pool) => $"{pool.Image} {pool.Ready} of {pool.Wanted}"
        + (pool.Waiting > 0 ? $", {pool.Waiting} waiting" : "")
        + (pool.Problem is { } problem ? $" ({problem.Message})" : "");
}
