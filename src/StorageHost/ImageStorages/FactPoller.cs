namespace StorageHost.ImageStorages;

/// <summary>Runs every poll for as long as the daemon runs, each at its own pace: one that hangs keeps no other waiting.</summary>
internal sealed class FactPoller(IEnumerable<IPoll> polls) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(polls.Select(poll => poll.RunAsync(stoppingToken)));
}

/// <summary>Facts that are kept by polling; one or several of a kind.</summary>
internal interface IPoll
{
    /// <summary>Takes them again and again until it is cancelled.</summary>
    Task RunAsync(CancellationToken stoppingToken);
}
