using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Moq;
using Polly.CircuitBreaker;
using StorageHost.Files.Session;
using StorageHost.Images.Pools;
using StorageHost.Tests.Images;
using StorageHost.Tests.Support;
using Xunit;
using static StorageHost.Tests.Images.Sample;

namespace StorageHost.Tests.Files.Session;

/// <summary>A file whose unlink hangs for ever, as on one sick brick, while everything else is well.</summary>
public sealed class SickFileTests : IAsyncLifetime
{
    private readonly Core core = new();
    private readonly ManualResetEventSlim hang = new();
    private readonly UnreadableFiles unreadable = new(NullLogger<UnreadableFiles>.Instance);
    private readonly StorageThreads threads;
    private int scans;

    public SickFileTests() => threads = new StorageThreads(Options.Create(new StorageOptions { Threads = 4 }), core.Time, NullLogger<StorageThreads>.Instance);

    public Task InitializeAsync()
    {
        core.AddCopies(2, New);
        core.Publisher.Setup(publisher => publisher.RetireAsync(It.IsAny<Copy>(), It.IsAny<CancellationToken>()))
            .Returns((Copy copy, CancellationToken token) => threads.RunAsync("retire a copy", (StorageCall<bool> _) => unreadable.TryUse($"copy {copy.Number}", () => Unlink(copy)), token));
        core.Volume.Setup(volume => volume.RecoverAsync(It.IsAny<CancellationToken>())).Callback(() => scans++).Returns(Task.CompletedTask);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        hang.Set();
        await core.DisposeAsync();
        threads.Dispose();
        hang.Dispose();
    }

    [Fact]
    public async Task It_costs_one_thread_and_hinders_nothing_else()
    {
        await core.Reconciler.StartAsync(CancellationToken.None);
        await core.PassesUntilAsync(() => scans >= 30);
        await core.PassesUntilAsync(() => core.Reconciler.Problem is null && !core.Copies.ContainsKey((Centos, 2)));
        Assert.Equal((1, 0, CircuitState.Closed), (threads.Busy, threads.Queued, threads.Breaker));
        Assert.True(await Eventually.EndsAsync(threads.RunAsync("publish a copy", (StorageCall<bool> _) => true, CancellationToken.None)));
        hang.Set();
        await core.PassesUntilAsync(() => core.Copies.IsEmpty);
    }

    private void Unlink(Copy copy)
    {
        if (copy.Number == 1)
        {
            hang.Wait(TimeSpan.FromMinutes(1));
        }

        core.Copies.TryRemove((copy.Image, copy.Number), out _);
    }
}
