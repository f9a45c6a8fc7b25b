using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using StorageHost.Images;
using StorageHost.Images.Ports;
using StorageHost.Tests.Support;
using Xunit;
using static StorageHost.Tests.Fetching.Answers;

namespace StorageHost.Tests.Fetching;

public sealed class ResumeTests : IDisposable
{
    private readonly ScriptedServer server = new();

    public void Dispose()
    {
        server.Transport.Dispose();
        server.Dispose();
    }

    [Fact]
    public async Task All_of_it_comes_in_one_request()
    {
        Assert.Equal(Content, await server.Then(Whole()).FetchAsync());
        var (_, range, condition, _) = Assert.Single(server.Requests);
        Assert.Equal((null, null), (range, condition));
    }

    [Fact]
    public async Task After_a_break_the_rest_is_asked_for_by_its_strong_tag()
    {
        Assert.Equal(Content, await server.Then(Whole(breaksAt: 300)).Then(Rest(300, breaksAt: 700)).Then(Rest(700)).FetchAsync());
        Assert.Equal(["bytes=300-", "bytes=700-"], server.Requests.Skip(1).Select(request => $"{request.Range}"), StringComparer.Ordinal);
        Assert.All(server.Requests.Skip(1), request => Assert.Equal("\"one\"", $"{request.IfRange}"));
        Assert.Equal(["the connection broke off, at byte 300", null, "the connection broke off, at byte 700", null], server.Hindered);
    }

    [Fact]
    public async Task Without_a_tag_the_time_of_the_last_change_will_do()
    {
        Assert.Equal(Content, await server.Then(Whole(tag: null, breaksAt: 300, isDated: true)).Then(Rest(300, tag: null, isDated: true)).FetchAsync());
        Assert.Equal("Sat, 01 Jan 2039 00:00:00 GMT", $"{server.Requests[1].IfRange}");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("W/\"one\"")]
    public async Task Where_two_contents_could_look_the_same_it_begins_anew(string? tag)
    {
        server.Then(Whole(tag, breaksAt: 300));
        await Assert.ThrowsAsync<RestartException>(() => server.FetchAsync());
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task A_content_that_has_changed_is_not_joined_to_what_came_of_the_one_before()
    {
        foreach (var other in new[] { Whole("\"two\""), Rest(300, "\"two\""), Rest(300, total: 1001), Rest(299), new HttpResponseMessage(HttpStatusCode.RequestedRangeNotSatisfiable) })
        {
            server.Then(Whole(breaksAt: 300)).Then(other);
            await Assert.ThrowsAsync<RestartException>(() => server.FetchAsync());
        }
    }

    [Fact]
    public async Task An_answer_that_is_shorter_than_was_said_is_never_the_end()
    {
        var end = Whole();
        end.Content = new StreamContent(new Breaking(Content[..400], null)) { Headers = { ContentLength = 1000 } };
        Assert.Equal(Content, await server.Then(end).Then(Rest(400)).FetchAsync());
        Assert.Contains("the answer ended too soon, at byte 400", server.Hindered, StringComparer.Ordinal);
    }

    [Fact]
    public async Task A_server_that_says_nothing_more_is_asked_for_the_rest()
    {
        var silent = Whole();
        silent.Content = new StreamContent(new Breaking(Content[..400], null, isSilent: true)) { Headers = { ContentLength = 1000 } };
        Assert.Equal(Content, await server.Then(silent).Then(Rest(400)).FetchAsync());
        Assert.Contains("nothing came for 60 s, at byte 400", server.Hindered, StringComparer.Ordinal);
    }

    [Fact]
    public async Task It_is_given_up_when_nothing_comes_time_after_time()
    {
        server.Then(Whole(breaksAt: 300));
        for (var tries = 0; tries < 5; tries++)
        {
            server.Fails(new SocketException((int)SocketError.ConnectionRefused));
        }

        var failed = await Assert.ThrowsAsync<RefusedException>(() => server.FetchAsync());
        Assert.Equal(
            (Refusal.UrlFailed, "images.example.org: the connection was refused, at byte 300; tried 6 times (Import:UrlRetries)"), (failed.Reason, failed.Message));
        Assert.Equal(6, server.Requests.Count);
    }

    [Fact]
    public async Task Little_by_little_is_as_good_as_nothing()
    {
        server.Then(Whole(breaksAt: 10));
        for (var tries = 1; tries <= 5; tries++)
        {
            server.Then(Rest(tries * 10, breaksAt: (tries + 1) * 10));
        }

        Assert.Equal(Refusal.UrlFailed, (await Assert.ThrowsAsync<RefusedException>(() => server.FetchAsync())).Reason);
    }

    [Fact]
    public async Task An_address_that_was_good_once_is_asked_for_anew()
    {
        server.Redirects("https://mirror.example.net/signed").Then(Whole(breaksAt: 300))
            .Then(new HttpResponseMessage(HttpStatusCode.Forbidden))
            .Redirects("https://mirror.example.net/signed-again").Then(Rest(300));
        Assert.Equal(Content, await server.FetchAsync());
        Assert.Equal(["/a.img", "/signed", "/signed", "/a.img", "/signed-again"], server.Requests.Select(request => request.Url!.AbsolutePath), StringComparer.Ordinal);
    }

    [Fact]
    public async Task A_break_before_the_first_byte_is_no_change()
    {
        Assert.Equal(Content, await server.Then(Whole(breaksAt: 0)).Then(Whole()).FetchAsync());
        Assert.Null(server.Requests[1].Range);
        server.Then(Whole(breaksAt: 0)).Then(Whole("\"two\""));
        await Assert.ThrowsAsync<RestartException>(() => server.FetchAsync());
    }

    [Fact]
    public async Task A_chunked_answer_ends_where_the_server_says()
    {
        var chunked = Whole(length: null);
        chunked.Headers.TransferEncodingChunked = true;
        server.Then(chunked);
        await using var content = await server.Source.OpenAsync(ScriptedServer.Url("https://images.example.org/a.img"), server.Hindered.Add, CancellationToken.None);
        Assert.Equal((null, true), (content.Length, content.IsEndCertain));
    }

    [Fact]
    public async Task An_end_that_a_broken_connection_would_have_too_is_not_certain()
    {
        server.Then(Whole(length: null));
        await using var content = await server.Source.OpenAsync(ScriptedServer.Url("https://images.example.org/a.img"), server.Hindered.Add, CancellationToken.None);
        Assert.Equal((null, false), (content.Length, content.IsEndCertain));
    }

    [Theory]
    [InlineData(404, null, null, "UrlFailed", "the server answered 404 instead of 200")]
    [InlineData(206, null, null, "UrlFailed", "the server answered 206 instead of 200")]
    [InlineData(304, null, null, "UrlFailed", "the server answered 304 instead of 200")]
    [InlineData(200, "text/html", null, "ImageRejected", "what the URL leads to is a web page, not an image")]
    [InlineData(200, "Application/XHTML+xml", null, "ImageRejected", "what the URL leads to is a web page, not an image")]
    [InlineData(200, "application/octet-stream", "gzip", "UrlFailed", "the server packs the image on the way")]
    public async Task What_is_no_image_is_refused_before_it_is_read(int status, string? type, string? encoding, string reason, string message)
    {
        var answer = Whole();
        answer.StatusCode = (HttpStatusCode)status;
        answer.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        answer.Content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);
        var refused = await Assert.ThrowsAsync<RefusedException>(() => server.Then(answer).FetchAsync());
        Assert.Equal(reason, refused.Reason.ToString());
        Assert.StartsWith(message, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_empty_is_no_image() =>
        Assert.Equal(Refusal.ImageRejected, (await Assert.ThrowsAsync<RefusedException>(() => server.Then(Whole(breaksAt: 0, length: 0)).FetchAsync())).Reason);

    [Fact]
    public async Task A_first_request_that_fails_is_told_at_once()
    {
        foreach (var (fault, told) in new (Exception, string)[]
        {
            (new SocketException((int)SocketError.HostNotFound), "the name is not known"),
            (new SocketException((int)SocketError.NetworkUnreachable), "there is no connection"),
            (new AuthenticationException("x"), "no TLS connection can be made: is the certificate one that this machine trusts?"),
            (new HttpRequestException("x", new SocketException((int)SocketError.ConnectionRefused)), "the connection was refused"),
            (new HttpRequestException(HttpRequestError.InvalidResponse), "the answer is no HTTP"),
        })
        {
            var failed = await Assert.ThrowsAsync<RefusedException>(() => server.Fails(fault).FetchAsync());
            Assert.Equal((Refusal.UrlFailed, $"images.example.org: {told}"), (failed.Reason, failed.Message));
        }

        Assert.Empty(server.Hindered);
    }

    [Fact]
    public async Task Whoever_leaves_ends_the_waiting()
    {
        server.Then(Whole(breaksAt: 300));
        await using var content = await server.Source.OpenAsync(ScriptedServer.Url("https://images.example.org/a.img"), server.Hindered.Add, CancellationToken.None);
        using var gone = new CancellationTokenSource();
        var reading = content.Content.CopyToAsync(Stream.Null, gone.Token);
        await Eventually.HoldsAsync(() => server.Hindered.Count > 0);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.EndsAsync(reading));
    }
}
