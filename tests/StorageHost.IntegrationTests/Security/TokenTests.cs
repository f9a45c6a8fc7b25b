using System.Net;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Security;

[Collection(LabTests.Name)]
public sealed class TokenTests(Lab lab)
{
    [DaemonFact]
    public async Task A_token_that_was_added_is_good_at_once_and_one_that_was_removed_no_more()
    {
        await using var secured = await Secured.StartAsync(lab);
        var client = secured.InTheClear();
        (await client.GetAsync("/pools")).Refuses(401, "unauthenticated");
        var token = (await secured.TokenAsync("add", "ci", "read")).TrimEnd();
        await Wait.UntilAsync("the token to be good", async () => (await GetAsync(client, token)).Status == 200);
        Assert.Equal("ci read\n", await secured.TokenAsync("list"));
        await secured.TokenAsync("remove", "ci");
        await Wait.UntilAsync("the token to be good no more", async () => (await GetAsync(client, token)).Status == 401);
        Assert.DoesNotContain(token, secured.Daemon.Output + secured.Daemon.Errors + await File.ReadAllTextAsync(secured.TokensFile), StringComparison.Ordinal);
    }

    [DaemonFact]
    public async Task Each_verb_needs_its_own_scope()
    {
        await using var secured = await Secured.StartAsync(lab);
        var (client, controller) = (secured.InTheClear(), secured.With("controller01"));
        var tokens = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var scope in new[] { "read", "provision", "destroy" })
        {
            tokens[scope] = (await secured.TokenAsync("add", scope, scope)).TrimEnd();
        }

        await Wait.UntilAsync("the tokens to be good", async () => (await GetAsync(client, tokens["provision"])).Status == 403);
        (await controller.SetImageAsync("centos", "web01")).Is(200);
        (await controller.SetImageAsync("centos", "web02")).Is(200);
        await secured.Area.PutTemplateAsync("big", await lab.Masters.SolidAsync(500));
        var job = (await controller.DupAsync("big", 10)).Is(200).GetProperty("pools")[0].GetProperty("job").GetString();
        (string Scope, HttpMethod Method, string Path, string? Body)[] verbs =
        [
            ("destroy", HttpMethod.Delete, $"/jobs/{job}", null),
            ("read", HttpMethod.Get, "/", """{"target":"images"}"""),
            ("read", HttpMethod.Get, "/pools/centos", null),
            ("read", HttpMethod.Get, "/jobs", null),
            ("read", HttpMethod.Get, $"/jobs/{job}", null),
            ("read", HttpMethod.Get, "/imagestorages/internal", null),
            ("read", HttpMethod.Get, "/readyz", null),
            ("provision", HttpMethod.Post, "/", """{"action":"dup","duplicateinfo":{"centos":1}}"""),
            ("provision", HttpMethod.Post, "/", """{"action":"setimage","createvmform":{"image":"centos","hostname":"web03"}}"""),
            ("provision", HttpMethod.Post, "/", """{"action":"addstorage","storageinfo":{"hostname":"web03","size":1}}"""),
            ("destroy", HttpMethod.Delete, "/", """{"action":"host","target":"web01"}"""),
            ("destroy", HttpMethod.Delete, "/?action=host&target=web02", null),
            ("destroy", HttpMethod.Delete, "/", """{"action":"image","target":"centos"}"""),
        ];
        foreach (var (scope, method, path, body) in verbs)
        {
            (await client.SendAsync(method, path, body)).Refuses(401, "unauthenticated");
            foreach (var other in tokens.Keys.Where(other => other != scope))
            {
                (await client.SendAsync(method, path, body, headers: [Bearer(tokens[other])])).Refuses(403, "forbidden");
            }

            // The job may be over by then.
            var answer = await client.SendAsync(method, path, body, headers: [Bearer(tokens[scope])]);
            _ = answer.Status is 409 ? answer.Refuses(409, "job_conflict") : answer.Is(200);
        }

        await secured.LogsAsync("Audit: destroy (token) asked for delete image centos: 200");
        await secured.LogsAsync("Audit: provision (token) asked for setimage centos web03: 200");
        await secured.LogsAsync("Audit: read (token) asked for DELETE /: 403 forbidden");
        await secured.LogsAsync("Audit: controller01.example.org (certificate) asked for dup big=10: 200");
    }

    [DaemonFact]
    public async Task A_thousand_wrong_tokens_are_slowed_down_while_others_are_served()
    {
        await using var secured = await Secured.StartAsync(lab);
        var (client, controller) = (secured.InTheClear(), secured.With("controller01"));
        var wrong = Enumerable.Range(0, 1000).Select(number => $"sth_wrong{number:0000}{Guid.NewGuid():N}").ToArray();
        var statuses = new List<int>();
        foreach (var token in wrong)
        {
            var answer = await GetAsync(client, token);
            answer.Refuses(answer.Status, "unauthenticated", "too_many_requests");
            statuses.Add(answer.Status);
        }

        Assert.Contains((int)HttpStatusCode.TooManyRequests, statuses.TakeLast(5)); // now and then one is looked at
        Assert.InRange(statuses.Count(status => status == 429), 800, 990);
        Assert.All(statuses, status => Assert.True(status is 401 or 429));
        (await controller.GetAsync("/pools")).Is(200);
        await secured.LogsAsync("A wrong token came from 127.0.0.1");
        Assert.All(wrong, token => Assert.DoesNotContain(token, secured.Daemon.Output, StringComparison.Ordinal));
        await Wait.UntilAsync("the address to be asked again", async () => (await GetAsync(client, wrong[0])).Status == 401);
    }

    private static (string Name, string Value) Bearer(string token) => ("Authorization", $"Bearer {token}");

    private static Task<Answer> GetAsync(Client client, string token) => client.SendAsync(HttpMethod.Get, "/pools", headers: [Bearer(token)]);
}
