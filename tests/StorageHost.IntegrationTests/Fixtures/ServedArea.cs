using Xunit;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>One daemon for all tests of a class that leave everything as it was, with an image named centos.</summary>
public sealed class ServedArea(Lab lab) : IAsyncLifetime
{
    internal StorageArea Area { get; private set; } = null!;

    internal Daemon Daemon { get; private set; } = null!;

    internal Client Client => Daemon.Client;

    public async Task InitializeAsync()
    {
        if (Requirements.Missing.Length == 0)
        {
            Area = await lab.AreaAsync(StorageKind.Xfs, nameof(ServedArea));
            await Area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
            Daemon = await Area.StartAsync();
        }
    }

    public async Task DisposeAsync()
    {
        if (Area is not null)
        {
            await Area.DisposeAsync();
        }
    }
}
