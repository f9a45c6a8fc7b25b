using System.Net;
using Microsoft.Extensions.Logging;
using StorageHost.Hosting.Security;
using StorageHost.Tests.Api;
using StorageHost.Tests.Processes;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Hosting.Security;

/// <summary>Who is asked for a token, and what the log tells of it. Nothing here reaches the core: what passes is refused with 400.</summary>
public sealed class CallerTests : IDisposable
{
    private const string Token = "sth_all";

    private readonly Scratch scratch = new();

    public CallerTests() => File.WriteAllText(scratch.File("tokens"), $"""
        read,provision,destroy sha256:{Convert.ToHexString(TokenList.HashOf(Token))} controller
        read sha256:{Convert.ToHexString(TokenList.HashOf("sth_read"))} monitor
        """);

    public void Dispose() => scratch.Dispose();

    [Theory]
    [InlineData(null, 401)]
    [InlineData("Bearer", 401)]
    [InlineData("Bearer sth_wrong", 401)]
    [InlineData("Bearer sth_all,", 401)]
    [InlineData("Basic sth_all", 401)]
    [InlineData("sth_all", 401)]
    [InlineData("Bearer sth_all", 400)]
    [InlineData("bearer sth_all", 400)]
    public async Task The_token_stands_in_the_authorization_header(string? header, int status)
    {
        await using var api = await StartAsync();
        using var response = await SendAsync(api, HttpMethod.Get, "/?target=x", header);
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(status == 401 ? "Bearer" : "", response.Headers.WwwAuthenticate.ToString());
        if (status == 401)
        {
            Assert.Contains("\"code\":\"unauthenticated\"", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(null, "A client certificate or token is needed.")]
    [InlineData("Bearer sth_wrong", "The token is not known; it was mistyped, removed, or made for another daemon.")]
    [InlineData("sth_all", "The Authorization header does not hold a token; it must be: Bearer <token>.")]
    [InlineData("Basic c3RoOmFsbA==", "The Authorization header does not hold a token; it must be: Bearer <token>.")]
    public async Task Who_is_not_known_is_told_what_was_wrong(string? header, string message)
    {
        await using var api = await StartAsync();
        using var response = await SendAsync(api, HttpMethod.Get, "/?target=x", header);
        using var answer = System.Text.Json.JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        Assert.Equal(message, answer.RootElement.GetProperty("message").GetString());
    }

    [Theory]
    [InlineData("/healthz", 200)]
    [InlineData("/swagger/index.html", 200)]
    [InlineData("/swagger/v1/swagger.json", 200)]
    [InlineData("/nothing", 401)]
    [InlineData("/events", 401)]
    public async Task Only_liveness_and_the_documentation_are_for_everybody(string address, int status)
    {
        await using var api = await StartAsync();
        using var response = await SendAsync(api, HttpMethod.Get, address, null);
        Assert.Equal(status, (int)response.StatusCode);
    }

    [Fact]
    public async Task To_whom_is_known_an_address_without_anything_is_not_found()
    {
        await using var api = await StartAsync();
        Assert.Equal(HttpStatusCode.NotFound, (await SendAsync(api, HttpMethod.Get, "/nothing", "Bearer sth_read")).StatusCode);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await SendAsync(api, HttpMethod.Put, "/", "Bearer sth_read")).StatusCode);
    }

    [Fact]
    public async Task Who_may_not_is_told_which_scope_it_lacks()
    {
        await using var api = await StartAsync();
        using var response = await SendAsync(api, HttpMethod.Delete, "/jobs/1", "Bearer sth_read");
        Assert.StartsWith(
            """{"status":"error","code":"forbidden","message":"The client lacks the required scope: destroy.","trace_id":""",
            await response.Content.ReadAsStringAsync(),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_thousand_wrong_tokens_are_slowed_down_and_none_of_them_is_logged()
    {
        await using var api = await StartAsync();
        var statuses = new List<int>();
        for (var number = 0; number < 1000; number++)
        {
            using var response = await SendAsync(api, HttpMethod.Post, "/", $"Bearer sth_secret{number}");
            statuses.Add((int)response.StatusCode);
            Assert.Equal(statuses[^1] == 429, response.Headers.RetryAfter is not null);
        }

        Assert.InRange(statuses.TakeWhile(status => status == 401).Count(), 10, 20);
        Assert.InRange(statuses.Count(status => status == 429), 900, 990);
        Assert.Equal(statuses.Count(status => status == 401), api.Lines.Count(line => line.Line.StartsWith("A wrong token came from 127.0.0.1", StringComparison.Ordinal)));
        Assert.DoesNotContain(api.Lines, line => line.Line.Contains("sth_", StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.BadRequest, (await SendAsync(api, HttpMethod.Get, "/?target=x", $"Bearer {Token}")).StatusCode);
    }

    [Fact]
    public async Task Each_change_that_is_asked_for_has_its_audit_line()
    {
        await using var api = await StartAsync();
        await SendAsync(api, HttpMethod.Get, "/?target=x", $"Bearer {Token}");
        await SendAsync(api, HttpMethod.Post, "/", $"Bearer {Token}");
        await SendAsync(api, HttpMethod.Delete, "/jobs/1%0A2", "Bearer sth_read");
        await SendAsync(api, HttpMethod.Delete, "/", null);
        Assert.Equal(LogLevel.Information, (await api.LineAsync("Audit: controller (token) asked for POST /: 400 invalid_json")).Level);
        await api.LineAsync("Audit: monitor (token) asked for DELETE /jobs/1%0A2: 403 forbidden");
        await api.LineAsync("Audit: nobody asked for DELETE /: 401 unauthenticated");
        Assert.Equal(3, api.Lines.Count(line => line.Line.StartsWith("Audit: ", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Of_strangers_some_changes_are_written_and_of_the_known_each()
    {
        var clock = new ManualTimeProvider();
        await using var api = await StartAsync(clock);
        for (var number = 0; number < 30; number++)
        {
            await SendAsync(api, HttpMethod.Post, $"/{new string('x', 4000)}", null);
        }

        for (var number = 0; number < 30; number++)
        {
            await SendAsync(api, HttpMethod.Post, "/", $"Bearer {Token}");
        }

        await SendAsync(api, HttpMethod.Delete, "/jobs/last", $"Bearer {Token}");
        await api.LineAsync("DELETE /jobs/last");
        Assert.Equal((20, 30), (Count("Audit: nobody asked for POST /xxx"), Count("Audit: controller (token) asked for POST /: ")));
        Assert.Equal((20, 10), (Count("POST /xxx", LogLevel.Information), Count("POST /xxx", LogLevel.Debug)));
        Assert.All(api.Lines.Where(line => line.Category.StartsWith("StorageHost", StringComparison.Ordinal)), line => Assert.InRange(line.Line.Length, 1, 400));

        Assert.Equal(0, Count("Audit: nobody asked for 10 more"));
        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(LogLevel.Information, (await api.LineAsync("Audit: nobody asked for 10 more changes within a minute")).Level);

        int Count(string start, LogLevel? level = null) =>
            api.Lines.Count(line => line.Line.StartsWith(start, StringComparison.Ordinal) && (level is null || line.Level == level));
    }

    [Fact]
    public async Task What_strangers_may_not_read_is_written_some_times_and_then_summed_up()
    {
        var clock = new ManualTimeProvider();
        await using var api = await StartAsync(clock);
        for (var number = 0; number < 30; number++)
        {
            using var response = await SendAsync(api, HttpMethod.Get, "/pools", null);
            Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        }

        // What everybody may read, and what is asked by those who are known, is none of it.
        for (var number = 0; number < 30; number++)
        {
            await SendAsync(api, HttpMethod.Get, "/swagger/index.html", null);
            await SendAsync(api, HttpMethod.Get, "/nothing", "Bearer sth_read");
        }

        await SendAsync(api, HttpMethod.Post, "/last", null);
        await api.LineAsync("Audit: nobody asked for POST /last: 401");
        await api.LineAsync("POST /last 401");
        Assert.Equal((20, 10), (Count("GET /pools 401", LogLevel.Information), Count("GET /pools 401", LogLevel.Debug)));
        Assert.Equal((30, 30), (Count("GET /swagger/index.html 200", LogLevel.Information), Count("GET /nothing 404", LogLevel.Information)));
        clock.Advance(TimeSpan.FromMinutes(1));
        await api.LineAsync("Audit: nobody asked for 10 more reads within a minute");

        int Count(string start, LogLevel level) => api.Lines.Count(line => line.Line.StartsWith(start, StringComparison.Ordinal) && line.Level == level);
    }

    [Fact]
    public async Task Without_tokens_anybody_may_do_everything_and_a_token_does_no_harm()
    {
        await using var api = await TestApi.StartAsync();
        await SendAsync(api, HttpMethod.Delete, "/", "Bearer sth_from_elsewhere");
        await api.LineAsync("Audit: anybody (anonymous) asked for DELETE /: 400 invalid_payload");
    }

    [Fact]
    public async Task With_leave_for_all_a_token_still_says_who_it_is()
    {
        await using var api = await TestApi.StartAsync(security: new SecurityOptions { TokensFile = scratch.File("tokens"), AllowAnonymous = true });
        Assert.Equal(HttpStatusCode.BadRequest, (await SendAsync(api, HttpMethod.Delete, "/", null)).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await SendAsync(api, HttpMethod.Delete, "/", "Bearer sth_read")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await SendAsync(api, HttpMethod.Delete, "/", "Bearer sth_wrong")).StatusCode);
    }

    [Fact]
    public async Task The_documentation_asks_for_a_token_where_there_are_any()
    {
        await using var api = await StartAsync();
        Assert.Contains("""
            "scheme": "bearer"
            """, await api.Client.GetStringAsync("/swagger/v1/swagger.json"), StringComparison.Ordinal);
    }

    private Task<TestApi> StartAsync(TimeProvider? time = null) =>
        TestApi.StartAsync(security: new SecurityOptions { TokensFile = scratch.File("tokens") }, time: time);

    private static async Task<HttpResponseMessage> SendAsync(TestApi api, HttpMethod method, string address, string? authorization)
    {
        using var request = new HttpRequestMessage(method, address);
        if (authorization is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        }

        return await api.Client.SendAsync(request);
    }
}
