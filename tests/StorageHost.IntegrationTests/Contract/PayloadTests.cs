using System.Net;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Contract;

/// <summary>How requests may look: everything that the clients there are really send.</summary>
[Collection(LabTests.Name)]
public sealed class PayloadTests(ServedArea served) : IClassFixture<ServedArea>
{
    public static TheoryData<string?> ContentTypes { get; } =
        [null, "application/json", "application/x-www-form-urlencoded", "text/plain", "application/json; charset=utf-8", "application/octet-stream", "multipart/form-data; boundary=x"];

    [DaemonTheory, MemberData(nameof(ContentTypes))]
    public async Task A_body_is_JSON_whatever_it_is_called(string? contentType)
    {
        foreach (var body in new[] { """{"target":"images"}""", """{"Target":"images"}""", """{"TARGET":"Images","domain":null,"what":[1]}""" })
        {
            Assert.Equal(["centos"], (await served.Client.SendAsync(HttpMethod.Get, "/", body, contentType)).Is(200).Strings("images"), StringComparer.Ordinal);
        }

        (await served.Client.SendAsync(HttpMethod.Post, "/", """{"action":"dup","duplicateinfo":{"centos":0}}""", contentType)).Is(200);
    }

    [DaemonFact]
    public async Task GET_and_DELETE_take_query_parameters_too()
    {
        Assert.Equal(["centos"], (await served.Client.GetAsync("/?target=images")).Is(200).Strings("images"), StringComparer.Ordinal);
        Assert.Equal(["centos"], (await served.Client.GetAsync("/?Target=IMAGES")).Is(200).Strings("images"), StringComparer.Ordinal);
        (await served.Client.AddStorageAsync("query01", 1)).Is(200);
        (await served.Client.SetImageAsync("centos", "query01")).Is(200);
        Assert.Single((await served.Client.SendAsync(HttpMethod.Delete, "/?action=host&target=query01")).Is(200).Strings("kept"));
        (await served.Client.SendAsync(HttpMethod.Delete, "/?action=host&target=query01")).Refuses(404, "host_not_found");
        (await served.Client.SendAsync(HttpMethod.Delete, "/?action=host&target=query01&purge=true")).Is(200);
        (await served.Client.SendAsync(HttpMethod.Delete, "/?Action=IMAGE&target=nope")).Refuses(404, "image_not_found");
        (await served.Client.GetAsync("/?target=vms")).Refuses(400, "unknown_target");
    }

    [DaemonFact]
    public async Task Letter_case_of_names_and_actions_does_not_matter_but_that_of_hosts_does()
    {
        (await PostAsync("""{"Action":"SetImage","CreateVmForm":{"Image":"centos","HostName":"Case01"}}""")).Is(200);
        (await served.Client.DeleteHostAsync("case01")).Refuses(404, "host_not_found");
        (await served.Client.SendAsync(HttpMethod.Delete, "/", """{"ACTION":"Host","TARGET":"Case01"}""")).Is(200);
        (await PostAsync("""{"action":"setimage","createvmform":{"image":"CentOS","hostname":"case02"}}""")).Refuses(404, "image_not_found");
    }

    [DaemonTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_over_64_KiB_is_too_large(bool chunked)
    {
        var body = $$"""{"action":"dup","duplicateinfo":{"centos":0},"domain":"{{new string('x', 64 << 10)}}"}""";
        using var content = new StringContent(body);
        content.Headers.ContentLength = chunked ? null : content.Headers.ContentLength;
        (string, string)[] headers = chunked ? [("Transfer-Encoding", "chunked")] : [];
        (await served.Client.SendAsync(HttpMethod.Post, "/", content, headers, default)).Refuses((int)HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
        (await PostAsync($$"""{"action":"dup","duplicateinfo":{"centos":0},"domain":"{{new string('x', 60 << 10)}}"}""")).Is(200);
    }

    private Task<Answer> PostAsync(string body) => served.Client.SendAsync(HttpMethod.Post, "/", body);
}
