using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Moq;
using StorageHost.Api.Templates;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;
using StorageHost.Tests.Images;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Api;

public sealed class UploadTests : IAsyncLifetime
{
    private readonly Core core = new();
    private readonly byte[] content = [.. Enumerable.Range(0, 200_000).Select(number => (byte)number)];
    private NewTemplate? wanted;
    private byte[]? received;

    public UploadTests()
    {
        core.Space = new VolumeSpace(1L << 40, 1L << 39);
        core.Importer.Setup(port => port.ImportAsync(It.IsAny<NewTemplate>(), It.IsAny<Stream>(), It.IsAny<Func<ImportProgress, ValueTask>>(), It.IsAny<Func<Task>>(), It.IsAny<CancellationToken>()))
            .Returns(async (NewTemplate asked, Stream body, Func<ImportProgress, ValueTask> _, Func<Task> _, CancellationToken cancellationToken) =>
            {
                wanted = asked;
                using var all = new MemoryStream();
                await body.CopyToAsync(all, cancellationToken);
                received = all.ToArray();
                return new TemplateDetails(Sample.Template(asked.Image), new ImageHeader(ImageFormat.Raw, 2048, null, null), new TemplateRecord("upload", ManualTimeProvider.Start, "ab12"));
            });
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await core.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_of_any_size_and_type_is_the_template(bool chunked)
    {
        await using var api = await TestApi.StartAsync(templates: core);
        using var request = Put("/templates/debian12");
        request.Headers.TransferEncodingChunked = chunked;
        request.Content!.Headers.ContentType = new MediaTypeHeaderValue("application/x-www-form-urlencoded");
        using var response = await api.Client.SendAsync(request);
        Assert.Equal(
            """{"image":"debian12","format":"raw","virtual_size_bytes":2048,"size_bytes":1000,"allocated_bytes":1000,"sha256":"ab12","source":"upload","created":"2040-05-01T12:00:00+00:00","protected":false,"linked_clones":0,"versions":[],"problem":null,"pool":{"wanted":0,"ready":0}}""",
            await response.Content.ReadAsStringAsync());
        Assert.Equal(200, (int)response.StatusCode);
        Assert.Equal(content, received);
        Assert.Equal(new NewTemplate(Sample.Debian, "upload", chunked ? null : content.Length, null), wanted);
        await api.LineAsync("asked for put template debian12: 200");
    }

    [Fact]
    public async Task A_digest_is_taken_from_the_query_or_the_header()
    {
        var digest = SHA256.HashData(content);
        var hex = Convert.ToHexStringLower(digest);
        await using var api = await TestApi.StartAsync(templates: core);
        foreach (var (query, header) in new[] { (hex.ToUpperInvariant(), null), (null, Field(digest)), (hex, Field(digest)), (null, $"sha-512=:AAAA:, {Field(digest)}") })
        {
            using var response = await api.Client.SendAsync(Put($"/templates/debian12{(query is null ? "" : $"?sha256={query}")}", header));
            Assert.Equal((200, hex), ((int)response.StatusCode, wanted?.Sha256));
        }
    }

    [Theory]
    [InlineData("/templates/a_dup_b", null, "image must contain neither")]
    [InlineData("/templates/debian12.", null, "image must not end in '.'")]
    [InlineData("/templates/debian12?sha256=12", null, "sha256 must be a SHA-256: 64 hexadecimal digits")]
    [InlineData("/templates/debian12?replace=maybe", null, "replace must be true or false")]
    [InlineData("/templates/debian12?sha256=", null, "sha256 must be a SHA-256: 64 hexadecimal digits")]
    [InlineData("/templates/debian12", "md5=:AAAA:", "Repr-Digest must hold a SHA-256: sha-256=:<base64>:")]
    [InlineData("/templates/debian12", "sha-256=:AAAA:", "Repr-Digest must hold a SHA-256: sha-256=:<base64>:")]
    [InlineData("/templates/debian12?sha256=0000000000000000000000000000000000000000000000000000000000000000", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:", "Repr-Digest is not what sha256 says")]
    public async Task A_request_that_is_not_valid_says_why_and_nothing_is_read(string address, string? header, string message)
    {
        await using var api = await TestApi.StartAsync(templates: core);
        using var response = await api.Client.SendAsync(Put(address, header));
        Assert.Equal(400, (int)response.StatusCode);
        Assert.Contains($"\"message\":\"{message}", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Null(wanted);
    }

    [Fact]
    public async Task A_template_is_replaced_only_when_that_is_asked_for()
    {
        core.Remover.Setup(remover => remover.CheckImageAsync(Sample.Centos, It.IsAny<CancellationToken>())).Returns(Task.CompletedTask);
        await using var api = await TestApi.StartAsync(templates: core);
        using var refused = await api.Client.SendAsync(Put("/templates/centos"));
        Assert.Equal((409, null), ((int)refused.StatusCode, wanted));
        using var done = await api.Client.SendAsync(Put("/templates/centos?replace=true"));
        Assert.Equal((200, true), ((int)done.StatusCode, wanted?.Replace));
    }

    [Fact]
    public async Task Any_other_body_stays_small()
    {
        await using var api = await TestApi.StartAsync(templates: core);
        using var response = await api.Client.PostAsync("/", new ByteArrayContent(content));
        Assert.Equal(413, (int)response.StatusCode);
    }

    [Fact]
    public async Task A_body_that_is_shorter_than_was_said_is_no_template()
    {
        await using var api = await TestApi.StartAsync(templates: core);
        using var client = new TcpClient(api.Client.BaseAddress!.Host, api.Client.BaseAddress.Port);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes("PUT /templates/debian12 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf"));
        client.Client.Shutdown(SocketShutdown.Send);
        Assert.Matches("PUT /templates/debian12 4[0-9][0-9] in", (await api.LineAsync("PUT /templates/debian12 ")).Line);
        Assert.NotNull(wanted);
        Assert.Null(received);
    }

    [Fact]
    public async Task A_sender_who_sends_nothing_for_too_long_is_given_up()
    {
        var time = new ManualTimeProvider();
        using var body = new UploadBody(new Silent(), TimeSpan.FromSeconds(60), time);
        var reading = body.ReadAsync(new byte[10]).AsTask();
        time.Advance(TimeSpan.FromSeconds(59));
        Assert.False(reading.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(1));
        var refused = await Assert.ThrowsAsync<BadHttpRequestException>(() => Eventually.EndsAsync(reading));
        Assert.Equal(408, refused.StatusCode);
    }

    [Fact]
    public async Task A_sender_who_sends_little_may_take_its_time()
    {
        var time = new ManualTimeProvider();
        using var body = new UploadBody(new MemoryStream(new byte[100]), TimeSpan.FromSeconds(60), time);
        for (var bytes = 0; bytes < 100; bytes++)
        {
            Assert.Equal(1, await body.ReadAsync(new byte[1]));
            time.Advance(TimeSpan.FromSeconds(59));
        }
    }

    private static string Field(byte[] digest) => string.Create(CultureInfo.InvariantCulture, $"sha-256=:{Convert.ToBase64String(digest)}:");

    private HttpRequestMessage Put(string address, string? digest = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Put, address) { Content = new ByteArrayContent(content) };
        if (digest is not null)
        {
            request.Headers.TryAddWithoutValidation("Repr-Digest", digest);
        }

        return request;
    }

    private sealed class Silent : MemoryStream
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return 0;
        }
    }
}
