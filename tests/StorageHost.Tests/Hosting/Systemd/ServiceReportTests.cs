using Microsoft.Extensions.Options;
using Moq;
using StorageHost.Files.Session;
using StorageHost.Hosting.Systemd;
using StorageHost.Images;
using StorageHost.Images.Pools;
using StorageHost.Tests.Images;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Hosting.Systemd;

public sealed class ServiceReportTests : IAsyncLifetime
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly Core core = new();
    private readonly Listener listener = new();
    private readonly ManualTimeProvider time = new();
    private ServiceReport report = null!;

    public Task InitializeAsync()
    {
        report = new ServiceReport(
            listener.Manager, core.Pools, core.Reconciler, Options.Create(new StorageOptions { Directory = "/srv/vms" }), core.Lifetime, time);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        report.Dispose();
        listener.Dispose();
        await core.DisposeAsync();
    }

    [Fact]
    public async Task Its_life_is_told_in_order()
    {
        await report.StartedAsync(CancellationToken.None);
        await report.StoppingAsync(CancellationToken.None);
        Assert.Equal("READY=1", listener.Hear());
        Assert.StartsWith("STOPPING=1\nSTATUS=Stopping", listener.Hear(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task How_it_is_is_told_when_it_changes_and_only_then()
    {
        await report.StartAsync(CancellationToken.None);
        Assert.Equal("STATUS=/srv/vms is not served: the storage directory was not read yet", listener.Hear());
        await StartAsync();
        time.Advance(Second);
        Assert.Equal("STATUS=Serving /srv/vms: 0 of 0 copies ready", listener.Hear());
        time.Advance(Second);
        time.Advance(Second);
        core.Pools.Get(Sample.Centos).SetWanted(2);
        time.Advance(Second);
        Assert.StartsWith("STATUS=Serving /srv/vms: 0 of 2 copies ready; centos 0 of 2", listener.Hear(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_keeps_it_from_serving_is_told()
    {
        core.Volume.Setup(volume => volume.EnsureServedAsync(It.IsAny<CancellationToken>())).ThrowsAsync(new RefusedException(Refusal.StorageUnavailable, "not mounted"));
        await core.Reconciler.StartAsync(CancellationToken.None);
        await Eventually.HoldsAsync(() => core.Reconciler.Problem == "not mounted");
        Assert.Equal("/srv/vms is not served: not mounted", report.Describe());
    }

    [Fact]
    public async Task Only_a_few_of_many_pools_are_named_and_each_with_its_problem()
    {
        await StartAsync();
        foreach (var name in new[] { "a", "b", "c", "d", "e" })
        {
            var pool = core.Pools.Get(Sample.Image(name));
            pool.SetWanted(1);
            pool.Hinder(new PoolProblem("no space", core.Time.GetUtcNow()));
        }

        Assert.Equal("Serving /srv/vms: 0 of 5 copies ready; a 0 of 1 (no space); b 0 of 1 (no space); c 0 of 1 (no space); and 2 more", report.Describe());
    }

    private async Task StartAsync()
    {
        await core.StartAsync();
        await Eventually.HoldsAsync(() => core.Reconciler.LastTurn is not null);
    }
}
