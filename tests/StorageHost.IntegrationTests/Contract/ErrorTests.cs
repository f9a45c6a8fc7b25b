using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Contract;

/// <summary>What is wrong with a request is said as it is on the wire, all of it at once.</summary>
[Collection(LabTests.Name)]
public sealed class ErrorTests(ServedArea served) : IClassFixture<ServedArea>, IAsyncLifetime
{
    [DaemonTheory]
    [InlineData("{")]
    [InlineData("nonsense")]
    [InlineData("""{"action":"dup",}}""")]
    [InlineData("action=dup&centos=3")]
    public async Task What_is_no_JSON_is_said_to_be_none(string body)
    {
        foreach (var method in new[] { HttpMethod.Get, HttpMethod.Post, HttpMethod.Delete })
        {
            (await served.Client.SendAsync(method, "/", body)).Refuses(400, "invalid_json");
        }
    }

    [DaemonTheory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("\"dup\"")]
    [InlineData("""{"action":5}""")]
    [InlineData("""{"action":"setimage","createvmform":[]}""")]
    [InlineData("""{"action":"dup","duplicateinfo":{"centos":"3"}}""")]
    [InlineData("""{"action":"dup","duplicateinfo":{"centos":2.5}}""")]
    [InlineData("""{"action":"addstorage","storageinfo":{"hostname":"web01","size":1e99}}""")]
    public async Task What_has_the_wrong_shape_is_refused(string body) =>
        (await served.Client.SendAsync(HttpMethod.Post, "/", body)).Refuses(400, "invalid_json", "invalid_payload", "unknown_action");

    [DaemonFact]
    public async Task Unknown_actions_and_targets_are_named()
    {
        (await served.Client.PostAsync(new { action = "reset" })).Refuses(400, "unknown_action");
        (await served.Client.PostAsync(new { action = "host", target = "web01" })).Refuses(400, "unknown_action");
        (await served.Client.DeleteAsync(new { action = "vm", target = "web01" })).Refuses(400, "unknown_action");
        (await served.Client.SendAsync(HttpMethod.Get, "/", """{"target":"vms"}""")).Refuses(400, "unknown_target");
        (await served.Client.PostAsync(new { })).Refuses(400, "unknown_action", "invalid_payload");
        (await served.Client.GetAsync("/")).Refuses(400, "unknown_target", "invalid_payload");
    }

    [DaemonFact]
    public async Task Every_fault_is_reported_under_its_name_on_the_wire()
    {
        (await served.Client.PostAsync(new { action = "setimage" })).RefusesFields("createvmform.image", "createvmform.hostname");
        (await served.Client.PostAsync(new { action = "setimage", createvmform = new { image = "", hostname = "../../x" } }))
            .RefusesFields("createvmform.image", "createvmform.hostname");
        (await served.Client.PostAsync(new { action = "setimage", createvmform = new { image = "centos" } })).RefusesFields("createvmform.hostname");
        (await served.Client.PostAsync(new { action = "addstorage", storageinfo = new { hostname = "a b", size = 0 } }))
            .RefusesFields("storageinfo.hostname", "storageinfo.size");
        (await served.Client.PostAsync(new { action = "addstorage" })).RefusesFields("storageinfo.hostname", "storageinfo.size");
        (await served.Client.PostAsync(new { action = "dup", duplicateinfo = new Dictionary<string, int>(StringComparer.Ordinal) { ["centos"] = -1, ["../x"] = 1 } }))
            .RefusesFields("duplicateinfo.centos", "duplicateinfo.../x");
        (await served.Client.PostAsync(new { action = "dup", duplicateinfo = new { centos = 11 } })).RefusesFields("duplicateinfo.centos");
        (await served.Client.PostAsync(new { action = "dup" })).RefusesFields("duplicateinfo");
        (await served.Client.DeleteAsync(new { action = "host" })).RefusesFields("target");
        (await served.Client.DeleteAsync(new { action = "image", target = "a/b" })).RefusesFields("target");
    }

    [DaemonTheory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(65537)]
    [InlineData(int.MaxValue)]
    public async Task A_data_disk_has_a_sane_size(int size) => (await served.Client.AddStorageAsync("web01", size)).RefusesFields("storageinfo.size");

    [DaemonTheory]
    [InlineData("PUT", "/")]
    [InlineData("PATCH", "/")]
    [InlineData("POST", "/pools")]
    [InlineData("DELETE", "/pools/centos")]
    [InlineData("POST", "/jobs")]
    [InlineData("POST", "/healthz")]
    public async Task Other_methods_are_not_allowed(string method, string path) =>
        (await served.Client.SendAsync(new HttpMethod(method), path, """{"action":"host","target":"centos"}""")).Refuses(405, "method_not_allowed");

    [DaemonTheory]
    [InlineData("/nope")]
    [InlineData("/pools/centos/more")]
    [InlineData("/..%2f..%2fetc/passwd")]
    public async Task Unknown_paths_are_answered_in_JSON_too(string path) => (await served.Client.GetAsync(path)).Refuses(404);

    public Task InitializeAsync() => Task.CompletedTask;

    // A refused request must not have done anything.
    public async Task DisposeAsync()
    {
        Assert.Equal(["centos"], await served.Client.ImagesAsync(), StringComparer.Ordinal);
        await served.Client.PoolHoldsAsync("centos", 0);
        await served.Area.Oracle.CheckAsync();
    }
}
