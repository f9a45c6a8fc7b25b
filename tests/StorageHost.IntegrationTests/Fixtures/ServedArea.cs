using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Contract;

/// <summary>One daemon for all tests of a class that only ask, with an image named centos.</summary>
public sealed class ServedArea(Lab lab) : IAsyncLifetime
{
    internal StorageArea Area { get; private set; } = null!;

    internal Client Client { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        if (Requirements.Missing.Length == 0)
        {
            Area = await lab.AreaAsync(StorageKind.Xfs, nameof(ServedArea));
            await Area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
            Client = (await Area.StartAsync()).Client;
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
