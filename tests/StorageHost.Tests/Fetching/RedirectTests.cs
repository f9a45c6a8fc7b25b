using System.Net;
using System.Text;
using StorageHost.Images;
using Xunit;
using static StorageHost.Tests.Fetching.Answers;

namespace StorageHost.Tests.Fetching;

public sealed class RedirectTests : IDisposable
{
    private readonly ScriptedServer server = new();

    public void Dispose()
    {
        server.Transport.Dispose();
        server.Dispose();
    }

    [Theory]
    [InlineData(HttpStatusCode.MovedPermanently)]
    [InlineData(HttpStatusCode.Found)]
    [InlineData(HttpStatusCode.SeeOther)]
    [InlineData(HttpStatusCode.TemporaryRedirect)]
    [InlineData(HttpStatusCode.PermanentRedirect)]
    public async Task A_redirect_is_followed_and_its_name_is_looked_up(HttpStatusCode status)
    {
        Assert.Equal(Content, await server.Redirects("https://mirror.example.net/b", status).Redirects("/c").Then(Whole()).FetchAsync());
        Assert.Equal("https://mirror.example.net/c", $"{server.Requests[^1].Url}");
        Assert.Equal(["images.example.org", "mirror.example.net", "mirror.example.net"], server.Lookups);
    }

    [Fact]
    public async Task Five_redirects_are_enough()
    {
        for (var redirects = 0; redirects < 6; redirects++)
        {
            server.Redirects("/again");
        }

        var failed = await Assert.ThrowsAsync<RefusedException>(() => server.FetchAsync());
        Assert.Equal((Refusal.UrlFailed, "the URL leads through more than 5 redirects", 6), (failed.Reason, failed.Message, server.Requests.Count));
    }

    [Theory]
    [InlineData("http://images.example.org/a.img")]
    [InlineData("file:///etc/passwd")]
    [InlineData("ftp://images.example.org/a.img")]
    public async Task A_redirect_leads_neither_out_of_TLS_nor_elsewhere_than_the_web(string location)
    {
        var refused = await Assert.ThrowsAsync<RefusedException>(() => server.Redirects(location).FetchAsync());
        Assert.Equal((Refusal.UrlRefused, 1), (refused.Reason, server.Requests.Count));
    }

    [Fact]
    public async Task A_user_and_password_go_to_their_own_server_alone()
    {
        server.Redirects("https://images.example.org/b").Redirects("https://images.example.org:8443/c").Redirects("https://me:hush@other.example.net/d").Then(Whole());
        await server.FetchAsync("https://me:hu%40sh@images.example.org/a.img");
        var sent = Convert.ToBase64String(Encoding.UTF8.GetBytes("me:hu@sh"));
        Assert.Equal([sent, sent, null, null], server.Requests.Select(request => request.Credentials?.Parameter), StringComparer.Ordinal);
    }

    [Fact]
    public async Task Secrets_of_a_redirect_are_not_told()
    {
        var failed = await Assert.ThrowsAsync<RefusedException>(() => server.Redirects("https://127.0.0.1/a?key=hush").FetchAsync("https://images.example.org/a.img?token=hush"));
        Assert.DoesNotContain("hush", failed.Message, StringComparison.Ordinal);
    }
}
