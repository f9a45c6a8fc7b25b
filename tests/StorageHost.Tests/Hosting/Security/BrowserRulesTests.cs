using System.Text.Json;
using StorageHost.Hosting.Security;
using StorageHost.Tests.Api;
using StorageHost.Tests.Processes;
using Xunit;

namespace StorageHost.Tests.Hosting.Security;

public sealed class BrowserRulesTests : IDisposable
{
    private const int Passed = 400;

    private readonly Scratch scratch = new();

    public void Dispose() => scratch.Dispose();

    [Theory]
    [InlineData("POST", "Sec-Fetch-Site", "cross-site", 403)]
    [InlineData("DELETE", "Sec-Fetch-Site", "same-site", 403)]
    [InlineData("POST", "Sec-Fetch-Site", "same-origin", Passed)]
    [InlineData("POST", "Sec-Fetch-Site", "none", Passed)]
    [InlineData("GET", "Sec-Fetch-Site", "cross-site", Passed)]
    [InlineData("POST", "Origin", "http://evil.example", 403)]
    [InlineData("DELETE", "Origin", "http://127.0.0.1:1", 403)]
    [InlineData("POST", "Origin", "null", 403)]
    [InlineData("GET", "Origin", "http://evil.example", Passed)]
    [InlineData("POST", "Origin", "$own", Passed)]
    [InlineData("POST", "User-Agent", "Go-http-client/1.1", Passed)]
    public async Task A_page_of_another_site_changes_nothing(string method, string header, string value, int status)
    {
        await using var api = await TestApi.StartAsync();
        using var response = await SendAsync(api, method, (header, value.Replace("$own", api.Client.BaseAddress!.GetLeftPart(UriPartial.Authority), StringComparison.Ordinal)));
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(status == 403 ? "forbidden" : "invalid_payload", await CodeAsync(response));
    }

    [Theory]
    [InlineData("evil.example:33833", 403)]
    [InlineData("127.0.0.1.evil.example", 403)]
    [InlineData("localhost:33833", Passed)]
    [InlineData("storagehost:33833", Passed)]
    [InlineData("127.0.0.1:33833", Passed)]
    [InlineData("[::1]:33833", Passed)]
    public async Task A_daemon_that_asks_nobody_who_he_is_answers_to_no_name_of_others(string host, int status)
    {
        await using var api = await TestApi.StartAsync();
        using var response = await SendAsync(api, "GET", ("Host", host));
        Assert.Equal(status, (int)response.StatusCode);
    }

    [Fact]
    public async Task With_tokens_or_with_leave_for_all_any_name_will_do()
    {
        File.WriteAllText(scratch.File("tokens"), "");
        await using var asking = await TestApi.StartAsync(security: new SecurityOptions { TokensFile = scratch.File("tokens") });
        Assert.Equal(401, (int)(await SendAsync(asking, "GET", ("Host", "storage.example.org"))).StatusCode);
        await using var open = await TestApi.StartAsync(security: new SecurityOptions { AllowAnonymous = true });
        Assert.Equal(Passed, (int)(await SendAsync(open, "GET", ("Host", "storage.example.org"))).StatusCode);
    }

    [Theory]
    [InlineData("/healthz", "default-src 'none'; frame-ancestors 'none'", true)]
    [InlineData("/nothing", "default-src 'none'; frame-ancestors 'none'", true)]
    [InlineData("/?target=x", "default-src 'none'; frame-ancestors 'none'", true)]
    [InlineData("/swagger/index.html", "default-src 'self'", false)]
    public async Task Every_answer_has_the_headers_that_browsers_heed(string address, string policy, bool isPrivate)
    {
        await using var api = await TestApi.StartAsync();
        using var response = await api.Client.GetAsync(address);
        Assert.StartsWith(policy, Header("Content-Security-Policy"), StringComparison.Ordinal);
        Assert.Equal(("nosniff", "DENY", "no-referrer", "same-origin"), (Header("X-Content-Type-Options"), Header("X-Frame-Options"), Header("Referrer-Policy"), Header("Cross-Origin-Resource-Policy")));
        Assert.Equal(isPrivate, Header("Cache-Control") == "no-store");
        Assert.Equal("", Header("Access-Control-Allow-Origin") + Header("Server"));

        string Header(string name) => response.Headers.TryGetValues(name, out var values) ? string.Join(", ", values) : "";
    }

    private static async Task<HttpResponseMessage> SendAsync(TestApi api, string method, (string Name, string Value) header)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), "/") { Content = method == "POST" ? new StringContent("{}") : null };
        request.Headers.Add(header.Name, header.Value);
        return await api.Client.SendAsync(request);
    }

    private static async Task<string?> CodeAsync(HttpResponseMessage response) =>
        JsonElement.Parse(await response.Content.ReadAsStringAsync()).GetProperty("code").GetString();
}
