using System.Net.Http.Headers;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using StorageHost.Api;
using StorageHost.Hosting.Security;
using StorageHost.Tests.Processes;
using Xunit;

namespace StorageHost.Tests.Hosting.Security;

/// <summary>The whole daemon in this process, on a directory of its own: each scope against each verb.</summary>
public sealed class ScopeTableTests : IDisposable
{
    private readonly Scratch scratch = new();
    private readonly Served served;

    public ScopeTableTests()
    {
        Directory.CreateDirectory(scratch.File("images"));
        File.WriteAllBytes(scratch.File("images/centos_template.img"), new byte[64 << 10]);
        File.SetLastWriteTimeUtc(scratch.File("images/centos_template.img"), DateTime.UnixEpoch.AddYears(50));
        File.WriteAllLines(scratch.File("tokens"), Scopes.All.Select(scope => new TokenEntry(new Grant(scope, [scope]), TokenList.HashOf(scope)).ToString()));
        File.AppendAllText(scratch.File("tokens"), new TokenEntry(Grant.Everything("all"), TokenList.HashOf("all")).ToString());
        served = new Served(scratch);
    }

    public void Dispose()
    {
        served.Dispose();
        scratch.Dispose();
    }

    [Theory]
    [InlineData("read", "GET", "/?target=images", null)]
    [InlineData("read", "GET", "/pools", null)]
    [InlineData("read", "GET", "/pools/centos", null)]
    [InlineData("read", "GET", "/templates", null)]
    [InlineData("read", "GET", "/templates/centos", null)]
    [InlineData("read", "GET", "/disks", null)]
    [InlineData("read", "GET", "/disks/web01.qcow2", null)]
    [InlineData("read", "GET", "/jobs", null)]
    [InlineData("read", "GET", "/jobs/none", null, 404)]
    [InlineData("read", "GET", "/imagestorages", null)]
    [InlineData("read", "GET", "/imagestorages/internal", null)]
    [InlineData("read", "GET", "/events", null)]
    [InlineData("read", "GET", "/readyz", null)]
    [InlineData("read", "GET", "/metrics", null)]
    [InlineData("provision", "POST", "/", """{"action":"dup","duplicateinfo":{"centos":0}}""")]
    [InlineData("provision", "POST", "/", """{"action":"setimage","createvmform":{"image":"centos","hostname":"web02"}}""")]
    [InlineData("provision", "POST", "/", """{"action":"addstorage","storageinfo":{"hostname":"web02","size":1}}""")]
    [InlineData("provision", "POST", "/disks/web01.qcow2", """{"size_gb":1}""")]
    [InlineData("import", "PUT", "/templates/alma", "a raw image")]
    [InlineData("import", "PATCH", "/templates/centos", """{"protected":true}""")]
    [InlineData("import", "PUT", "/templates/centos?replace=true", "another raw image")]
    [InlineData("import", "POST", "/templates/centos/rollback", null, 404)]
    [InlineData("import", "POST", "/templates", """{"image":"alma","url":"https://images.example.org/alma.qcow2"}""", 422)]
    [InlineData("destroy", "DELETE", "/disks/web01.qcow2", null)]
    [InlineData("destroy", "DELETE", "/templates/centos", null)]
    [InlineData("destroy", "DELETE", "/?action=host&target=web01", null)]
    [InlineData("destroy", "DELETE", "/", """{"action":"host","target":"web01","purge":true}""")]
    [InlineData("destroy", "DELETE", "/?action=image&target=centos", null)]
    [InlineData("destroy", "DELETE", "/jobs/none", null, 404)]
    public async Task A_verb_needs_its_own_scope_and_no_other(string scope, string method, string address, string? body, int status = 200)
    {
        using var client = served.CreateClient();
        Assert.Equal(200, await SendAsync(client, "all", "POST", "/", """{"action":"setimage","createvmform":{"image":"centos","hostname":"web01"}}"""));
        Assert.Equal(401, await SendAsync(client, null, method, address, body));
        Assert.Equal(401, await SendAsync(client, "wrong", method, address, body));
        foreach (var other in Scopes.All.Where(other => other != scope))
        {
            Assert.Equal(403, await SendAsync(client, other, method, address, body));
        }

        Assert.Equal(status, await SendAsync(client, scope, method, address, body));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("wrong")]
    [InlineData("destroy")]
    public async Task Liveness_needs_none(string? token)
    {
        using var client = served.CreateClient();
        Assert.Equal(200, await SendAsync(client, token, "GET", "/healthz", null));
    }

    [Fact]
    public void Every_endpoint_demands_one_scope_and_what_changes_something_not_that_of_looking()
    {
        var endpoints = served.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().ToLookup(endpoint => endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null);
        var demands = endpoints[false].Select(endpoint => (
            Verb: $"{endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Single()} {endpoint.RoutePattern.RawText}",
            Scope: endpoint.Metadata.GetOrderedMetadata<IAuthorizeData>().Single().Policy)).ToLookup(demand => demand.Scope == Scopes.Read);
        Assert.Equal(
            [
                ("DELETE /", Scopes.Destroy), ("DELETE /disks/{file}", Scopes.Destroy), ("DELETE /jobs/{id}", Scopes.Destroy),
                ("DELETE /templates/{image}", Scopes.Destroy), ("DELETE /uploads/{id}", Scopes.Destroy), ("PATCH /templates/{image}", Scopes.Import), ("PATCH /uploads/{id}", Scopes.Import),
                ("POST /", Scopes.Provision), ("POST /disks/{file}", Scopes.Provision), ("POST /templates/", Scopes.Import), ("POST /templates/{image}/rollback", Scopes.Import), ("POST /uploads/", Scopes.Import),
                ("PUT /templates/{image}", Scopes.Import),
            ],
            demands[false].Order());
        Assert.All(demands[true], demand => Assert.Matches("^(GET|HEAD) /", demand.Verb));
        Assert.All(endpoints[true], endpoint => Assert.Matches("^/?(healthz|swagger)", endpoint.RoutePattern.RawText));
    }

    private static async Task<int> SendAsync(HttpClient client, string? token, string method, string address, string? body)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), address) { Content = body is null ? null : new StringContent(body) };
        request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        return (int)response.StatusCode;
    }

    private sealed class Served(Scratch scratch) : WebApplicationFactory<Program>
    {
        protected override void ConfigureWebHost(IWebHostBuilder builder) => builder
            .UseSetting("Storage:Directory", scratch.File("images"))
            .UseSetting("Storage:ReservePercent", "0")
            .UseSetting("Security:TokensFile", scratch.File("tokens"))
            .UseSetting("Serilog:WriteTo:0:Args:restrictedToMinimumLevel", "Fatal");
    }
}
