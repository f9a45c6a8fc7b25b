using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Moq;
using StorageHost.Api;
using StorageHost.Files.Session;
using StorageHost.Hosting;
using StorageHost.Images;
using StorageHost.Images.Ports;
using StorageHost.ImageStorages;
using StorageHost.Tests.Images;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Hosting;

public sealed class ReadinessTests : IAsyncLifetime
{
    private readonly Core core = new();
    private readonly Mock<IFacts<GlusterCluster>> gluster = new();
    private readonly StorageThreads threads;
    private readonly WebApplication app;

    public ReadinessTests()
    {
        gluster.SetupGet(source => source.Latest).Returns(Facts<GlusterCluster>.None);
        threads = new StorageThreads(Options.Create(new StorageOptions { Threads = 4 }), core.Time, NullLogger<StorageThreads>.Instance);
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(core.Volume.Object).AddSingleton(core.Scanner).AddSingleton(core.Reconciler).AddSingleton(threads).AddSingleton(gluster.Object)
            .AddSingleton<IVolumePolicy>(new StorageOptions { ReservePercent = 5, RescanInterval = Core.Rescan }).AddSingleton<TimeProvider>(core.Time).AddReadiness().ConfigureHttpJsonOptions(json => ApiJson.Configure(json.SerializerOptions));
        app = builder.Build();
        app.MapReadiness();
    }

    public Task InitializeAsync() => app.StartAsync();

    public async Task DisposeAsync()
    {
        await app.DisposeAsync();
        await core.DisposeAsync();
        threads.Dispose();
    }

    [Fact]
    public async Task Before_the_directory_was_read_it_is_not_ready()
    {
        Assert.Equal(("not_ready", "storage:ok, directory:failed the storage directory was not read yet, pools:ok, breaker:ok, running:ok"), await GetAsync(503));
        Assert.False(Readiness.IsReady);
    }

    [Fact]
    public async Task Once_the_directory_was_read_it_is_ready()
    {
        await StartAsync();
        Assert.Equal(("ready", "storage:ok, directory:ok, pools:ok, breaker:ok, running:ok"), await GetAsync(200));
        Assert.True(Readiness.IsReady);
    }

    [Fact]
    public async Task Each_check_says_how_old_it_is()
    {
        Assert.Null(await AgeAsync("directory", 503));
        await StartAsync();
        var learnt = core.Scanner.LastScan!.Value;
        core.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal((core.Time.GetElapsedTime(learnt).TotalSeconds, 0), (await AgeAsync("directory", 200), await AgeAsync("storage", 200)));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(-2)]
    public async Task A_clock_that_is_set_changes_nothing(int hours)
    {
        await StartAsync();
        core.Time.Set(TimeSpan.FromHours(hours));
        Assert.Equal(("ready", "storage:ok, directory:ok, pools:ok, breaker:ok, running:ok"), await GetAsync(200));
        Assert.Equal((0, 0), (await AgeAsync("pools", 200), await AgeAsync("directory", 200)));
    }

    [Fact]
    public async Task A_recovery_that_fails_is_said_and_keeps_nobody_from_being_served()
    {
        core.Volume.Setup(volume => volume.RecoverAsync(It.IsAny<CancellationToken>())).ThrowsAsync(new RefusedException(Refusal.NoSpace, "the volume is full"));
        await StartAsync();
        Assert.Equal(("ready", "storage:ok, directory:ok, pools:ok, breaker:ok, running:ok, recovery:degraded the volume is full"), await GetAsync(200));
    }

    [Fact]
    public async Task When_the_storage_refuses_it_says_why()
    {
        await StartAsync();
        core.Volume.Setup(volume => volume.ReadSpaceAsync(It.IsAny<CancellationToken>())).ThrowsAsync(new RefusedException(Refusal.StorageUnavailable, "the storage answered ENOTCONN"));
        Assert.StartsWith("storage:failed the storage answered ENOTCONN, directory:ok", (await GetAsync(503)).Checks, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_keeps_the_directory_from_being_read_is_told()
    {
        core.Volume.Setup(volume => volume.EnsureServedAsync(It.IsAny<CancellationToken>())).ThrowsAsync(new RefusedException(Refusal.StorageUnavailable, "not mounted"));
        await core.Reconciler.StartAsync(CancellationToken.None);
        await Eventually.HoldsAsync(() => core.Reconciler.Problem == "not mounted");
        Assert.Contains("directory:failed not mounted", (await GetAsync(503)).Checks, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_storage_that_hangs_is_not_waited_for()
    {
        await StartAsync();
        core.Volume.Setup(volume => volume.ReadSpaceAsync(It.IsAny<CancellationToken>()))
            .Returns(async (CancellationToken cancellationToken) =>
            {
                core.Time.Advance(TimeSpan.FromSeconds(2));
                await Task.Delay(Timeout.Infinite, cancellationToken);
                return default;
            });
        Assert.Contains("storage:failed the check did not end in time", (await GetAsync(503)).Checks, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failure_that_nobody_expected_shows_nothing_of_the_inside()
    {
        await StartAsync();
        core.Volume.Setup(volume => volume.ReadSpaceAsync(It.IsAny<CancellationToken>())).ThrowsAsync(new InvalidOperationException("/srv/secret"));
        Assert.StartsWith("storage:failed the check failed; the log says more, directory:ok", (await GetAsync(503)).Checks, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pools_that_nobody_looks_after_are_a_failure()
    {
        await StartAsync();
        await core.Reconciler.StopAsync(CancellationToken.None);
        core.Time.Advance(TimeSpan.FromMinutes(2));
        Assert.Contains("pools:failed the pool reconciler has stalled", (await GetAsync(503)).Checks, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_breaker_that_is_open_is_a_failure()
    {
        await StartAsync();
        using var hanging = new ManualResetEventSlim();
        var calls = Enumerable.Range(0, 4).Select(number => threads.RunAsync($"hang {number}", (StorageCall<bool> _) => hanging.Wait(Timeout.Infinite), CancellationToken.None)).ToArray();
        await Eventually.HoldsAsync(() => threads.Busy == 4);
        core.Time.Advance(TimeSpan.FromSeconds(11));
        await Eventually.EndsAsync(Task.WhenAll(calls).ContinueWith(_ => { }, TaskScheduler.Default));
        Assert.Contains("breaker:failed the storage hangs", (await GetAsync(503)).Checks, StringComparison.Ordinal);
        Assert.False(Readiness.IsReady);
        hanging.Set();
    }

    [Fact]
    public async Task A_daemon_that_stops_is_not_ready()
    {
        await StartAsync();
        app.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        Assert.False(Readiness.IsReady);
        Assert.Contains(await Readiness.CheckAsync(CancellationToken.None), check => check is { Name: "running", State: CheckState.Failed });
    }

    [Fact]
    public async Task Stale_facts_of_Gluster_are_told_and_keep_nothing_from_being_served()
    {
        await StartAsync();
        gluster.SetupGet(source => source.Latest).Returns(new Facts<GlusterCluster>(null, core.Time.GetUtcNow() - TimeSpan.FromMinutes(3), "glusterd does not run"));
        Assert.Equal(("ready", "storage:ok, directory:ok, pools:ok, breaker:ok, running:ok, gluster:degraded glusterd does not run"), await GetAsync(200));
        Assert.Equal(180, await AgeAsync("gluster", 200));
    }

    private Readiness Readiness => app.Services.GetRequiredService<Readiness>();

    private async Task StartAsync()
    {
        await core.StartAsync();
        await Eventually.HoldsAsync(() => core.Reconciler.LastTurn is not null);
    }

    private async Task<double?> AgeAsync(string name, int status) => (await ReadAsync(status)).GetProperty("checks").EnumerateArray()
        .Single(check => check.GetProperty("name").GetString() == name).GetProperty("age_seconds") is { ValueKind: JsonValueKind.Number } age ? age.GetDouble() : null;

    private async Task<(string Status, string Checks)> GetAsync(int status)
    {
        var body = await ReadAsync(status);
        var checks = body.GetProperty("checks").EnumerateArray()
            .Select(check => $"{check.GetProperty("name").GetString()}:{check.GetProperty("state").GetString()} {check.GetProperty("message").GetString()}".TrimEnd());
        return (body.GetProperty("status").GetString()!, string.Join(", ", checks));
    }

    private async Task<JsonElement> ReadAsync(int status)
    {
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()), Timeout = TimeSpan.FromSeconds(10) };
        using var response = await client.GetAsync("/readyz");
        Assert.Equal((status, "application/json"), ((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        return JsonElement.Parse(await response.Content.ReadAsStringAsync());
    }
}
