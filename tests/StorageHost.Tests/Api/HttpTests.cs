using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Xunit;

namespace StorageHost.Tests.Api;

public sealed class HttpTests
{
    [Theory]
    [InlineData("GET", "/", null, 400, "invalid_payload")]
    [InlineData("GET", "/?target=x", null, 400, "unknown_target")]
    [InlineData("POST", "/?action=dup", "{}", 400, "invalid_payload")]
    [InlineData("POST", "/", null, 400, "invalid_json")]
    [InlineData("POST", "/", "{", 400, "invalid_json")]
    [InlineData("DELETE", "/?action=host&target=..%2F..%2Fx", null, 400, "invalid_payload")]
    [InlineData("DELETE", "/", """{"action":"all"}""", 400, "unknown_action")]
    [InlineData("GET", "/pools/a_dup_b", null, 400, "invalid_payload")]
    [InlineData("GET", "/nothing", null, 404, "not_found")]
    [InlineData("POST", "/pools", "{}", 405, "method_not_allowed")]
    [InlineData("PUT", "/", "{}", 405, "method_not_allowed")]
    public async Task An_error_is_an_error_message(string method, string address, string? body, int status, string code)
    {
        await using var api = await TestApi.StartAsync();
        using var request = new HttpRequestMessage(new HttpMethod(method), address) { Content = body is null ? null : new StringContent(body) };
        using var response = await api.Client.SendAsync(request);
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        var error = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
        Assert.StartsWith("status code message trace_id", string.Join(' ', error.EnumerateObject().Select(member => member.Name)), StringComparison.Ordinal);
        Assert.Equal("error", error.GetProperty("status").GetString());
        Assert.Equal(code, error.GetProperty("code").GetString());
        Assert.Equal(code is "invalid_payload", error.TryGetProperty("errors", out _));
        var line = await api.LineAsync($" {status} in ");
        Assert.Equal(LogLevel.Information, line.Level);
        Assert.Contains("(client 127.0.0.1)", line.Line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("text/plain; charset=utf-16")]
    [InlineData("multipart/form-data; boundary=x")]
    public async Task The_content_type_does_not_matter(string? type)
    {
        await using var api = await TestApi.StartAsync();
        using var content = new ByteArrayContent([.. """{"action":"setimage","createvmform":{"hostname":"web01"}}"""u8]);
        content.Headers.TryAddWithoutValidation("Content-Type", type);
        using var response = await api.Client.PostAsync("/", content);
        Assert.Contains("\"errors\":{\"createvmform.image\":[\"is required\"]}", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(65536, false, 400)]
    [InlineData(65537, false, 413)]
    [InlineData(65537, true, 413)]
    [InlineData(1_000_000, true, 413)]
    public async Task A_body_may_have_64_KiB(int size, bool chunked, int status)
    {
        await using var api = await TestApi.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/") { Content = new ByteArrayContent(new byte[size]) };
        request.Headers.TransferEncodingChunked = chunked;
        using var response = await api.Client.SendAsync(request);
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Contains(status == 413 ? "payload_too_large" : "invalid_json", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_answers_and_is_logged_for_debugging_only()
    {
        await using var api = await TestApi.StartAsync();
        Assert.Equal("""{"status":"ok"}""", await api.Client.GetStringAsync("/healthz"));
        Assert.Equal(LogLevel.Debug, (await api.LineAsync("/healthz 200")).Level);
    }

    [Fact]
    public async Task Swagger_is_served()
    {
        await using var api = await TestApi.StartAsync();
        Assert.Contains("swagger-ui", await api.Client.GetStringAsync("/swagger"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_path_is_logged_without_control_characters()
    {
        await using var api = await TestApi.StartAsync();
        using var response = await api.Client.GetAsync("/a%0d%0aforged%1b%5b31m");
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        await api.LineAsync("GET /a%0D%0Aforged%1B%5B31m 404 in ");
    }

    [Fact]
    public async Task A_body_that_breaks_off_is_no_error_of_ours()
    {
        await using var api = await TestApi.StartAsync();
        using var client = new TcpClient(api.Client.BaseAddress!.Host, api.Client.BaseAddress.Port);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"));
        client.Close();
        Assert.Matches("POST / 4[0-9][0-9] in", (await api.LineAsync("POST / ")).Line);
        Assert.DoesNotContain(api.Lines, entry => entry.Level >= LogLevel.Warning && entry.Category.StartsWith("StorageHost", StringComparison.Ordinal));
    }
}
