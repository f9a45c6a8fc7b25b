using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Moq;
using StorageHost.Hosting;
using StorageHost.Images;
using StorageHost.Tests.Images;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Hosting;

public sealed class ReadinessTests : IAsyncLifetime
{
    private readonly Core core = new();
    private readonly WebApplication app;

    public ReadinessTests()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(core.Volume.Object).AddSingleton(core.Scanner).AddSingleton(core.Reconciler).AddReadiness();
        app = builder.Build();
        app.MapReadiness();
    }

    public Task InitializeAsync() => app.StartAsync();

    public async Task DisposeAsync()
    {
        await app.DisposeAsync();
        await core.DisposeAsync();
    }

    [Fact]
    public async Task Before_the_directory_was_read_it_is_not_ready() => Assert.Equal(
        (503, """{"status":"not_ready","checks":[{"name":"storage","ok":false,"message":"the storage directory was not read yet"}]}"""), await GetAsync());

    [Fact]
    public async Task Once_the_directory_was_read_it_is_ready()
    {
        await core.StartAsync();
        Assert.Equal((200, """{"status":"ready","checks":[{"name":"storage","ok":true,"message":""}]}"""), await GetAsync());
    }

    [Fact]
    public async Task When_the_storage_refuses_it_says_why()
    {
        await core.StartAsync();
        core.Volume.Setup(volume => volume.ReadSpaceAsync(It.IsAny<CancellationToken>())).ThrowsAsync(new RefusedException(Refusal.StorageUnavailable, "the storage answered ENOTCONN"));
        Assert.Equal((503, true), (await GetAsync()) is var (status, body) ? (status, body.Contains("ENOTCONN", StringComparison.Ordinal)) : default);
    }

    [Fact]
    public async Task What_keeps_the_directory_from_being_read_is_told()
    {
        core.Volume.Setup(volume => volume.EnsureServedAsync(It.IsAny<CancellationToken>())).ThrowsAsync(new RefusedException(Refusal.StorageUnavailable, "not mounted"));
        await core.Reconciler.StartAsync(CancellationToken.None);
        await Eventually.HoldsAsync(() => core.Reconciler.Problem == "not mounted");
        Assert.Equal((503, true), (await GetAsync()) is var (status, body) ? (status, body.Contains("not mounted", StringComparison.Ordinal)) : default);
    }

    [Fact]
    public async Task A_storage_that_hangs_is_not_waited_for()
    {
        await core.StartAsync();
        core.Volume.Setup(volume => volume.ReadSpaceAsync(It.IsAny<CancellationToken>()))
            .Returns(async (CancellationToken cancellationToken) =>
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
                return default;
            });
        Assert.Equal((503, true), (await GetAsync()) is var (status, body) ? (status, body.Contains("the check did not end in time", StringComparison.Ordinal)) : default);
    }

    [Fact]
    public async Task A_failure_that_nobody_expected_shows_nothing_of_the_inside()
    {
        await core.StartAsync();
        core.Volume.Setup(volume => volume.ReadSpaceAsync(It.IsAny<CancellationToken>())).ThrowsAsync(new InvalidOperationException("/srv/secret"));
        Assert.Equal((503, """{"status":"not_ready","checks":[{"name":"storage","ok":false,"message":"the check failed; the log says more"}]}"""), await GetAsync());
    }

    private async Task<(int Status, string Body)> GetAsync()
    {
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()), Timeout = TimeSpan.FromSeconds(10) };
        using var response = await client.GetAsync("/readyz");
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        return ((int)(HttpStatusCode)response.StatusCode, await response.Content.ReadAsStringAsync());
    }
}
