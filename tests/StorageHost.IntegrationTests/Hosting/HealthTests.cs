using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Hosting;

[Collection(LabTests.Name)]
public sealed class HealthTests(Lab lab)
{
    [DaemonFact]
    public async Task A_sound_daemon_is_live_and_ready_and_shows_its_interface()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        var client = (await area.StartAsync()).Client;
        (await client.GetAsync("/healthz")).Is(200);
        (await client.GetAsync("/readyz")).Is(200);

        var page = await client.GetAsync("/swagger/index.html");
        Assert.Equal((200, "text/html"), (page.Status, page.MediaType));
        var document = (await client.GetAsync("/swagger/v1/swagger.json")).Is(200);
        var verbs = document.GetProperty("paths").GetProperty("/").EnumerateObject().Select(verb => verb.Name);
        Assert.Equal(["delete", "get", "post"], verbs.Order(StringComparer.Ordinal), StringComparer.Ordinal);
        Assert.All(["setimage", "dup", "addstorage", "web01_storage_5G"], example => Assert.Contains(example, document.GetRawText(), StringComparison.Ordinal));
    }
}
