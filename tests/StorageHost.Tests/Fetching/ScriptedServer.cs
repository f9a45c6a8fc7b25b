using System.Net;
using System.Net.Http.Headers;
using StorageHost.Fetching;
using StorageHost.Images.Templates;
using StorageHost.Tests.Support;

namespace StorageHost.Tests.Fetching;

/// <summary>Servers that answer each request with the next of the given answers; nothing leaves the test.</summary>
internal sealed class ScriptedServer : HttpMessageHandler
{
    private readonly Queue<Func<HttpRequestMessage, HttpResponseMessage>> answers = new();

    public ScriptedServer()
    {
        Rules = new UrlRules(
            (host, _) =>
            {
                Lookups.Add(host);
                return Task.FromResult(Addresses.Count > 1 ? Addresses.Dequeue() : Addresses.Peek());
            },
            Microsoft.Extensions.Options.Options.Create(Options));
        Transport = new UrlTransport(Rules, this, this);
        Source = new UrlSource(
            Rules, new UrlRequests(Transport, Microsoft.Extensions.Options.Options.Create(Options), Time), Microsoft.Extensions.Options.Options.Create(Options), Time);
        Addresses.Enqueue([IPAddress.Parse("93.184.216.34")]);
    }

    public ManualTimeProvider Time { get; } = new();

    public ImportOptions Options { get; } = new() { Urls = true };

    /// <summary>What names lead to, look by look; the last one stays.</summary>
    public Queue<IPAddress[]> Addresses { get; } = new();

    public List<string> Lookups { get; } = [];

    /// <summary>What was asked for.</summary>
    public List<(Uri? Url, RangeHeaderValue? Range, RangeConditionHeaderValue? IfRange, AuthenticationHeaderValue? Credentials)> Requests { get; } = [];

    /// <summary>Why nothing came.</summary>
    public List<string?> Hindered { get; } = [];

    public UrlRules Rules { get; }

    public UrlTransport Transport { get; }

    public UrlSource Source { get; }

    public static SourceUrl Url(string text) => SourceUrl.TryParse(text, out var url, out var fault) ? url : throw new ArgumentException(fault, nameof(text));

    public ScriptedServer Then(Func<HttpRequestMessage, HttpResponseMessage> answer)
    {
        answers.Enqueue(answer);
        return this;
    }

    public ScriptedServer Then(HttpResponseMessage answer) => Then(_ => answer);

    public ScriptedServer Redirects(string location, HttpStatusCode status = HttpStatusCode.Found) =>
        Then(new HttpResponseMessage(status) { Headers = { Location = new Uri(location, UriKind.RelativeOrAbsolute) } });

    /// <summary>Gives a connection that cannot be made.</summary>
    public ScriptedServer Fails(Exception fault) => Then(_ => throw fault);

    /// <summary>Fetches all of it while time goes by.</summary>
    public async Task<byte[]> FetchAsync(string url = "https://images.example.org/a.img")
    {
        await using var content = await Source.OpenAsync(Url(url), Hindered.Add, CancellationToken.None);
        using var all = new MemoryStream();
        var copying = content.Content.CopyToAsync(all);
        await Eventually.HoldsAsync(() => copying.IsCompleted, Time, TimeSpan.FromSeconds(1));
        await copying;
        return all.ToArray();
    }

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Requests.Add((request.RequestUri, request.Headers.Range, request.Headers.IfRange, request.Headers.Authorization));
        return Task.FromResult(answers.Dequeue()(request));
    }
}

/// <summary>Answers with content.</summary>
internal static class Answers
{
    public static readonly byte[] Content = [.. Enumerable.Range(0, 1000).Select(number => (byte)(number / 3))];

    private static readonly DateTimeOffset Changed = new(2039, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>All of the content, or what comes of it before the connection breaks off.</summary>
    public static HttpResponseMessage Whole(string? tag = "\"one\"", int? breaksAt = null, bool isDated = false, long? length = 1000) =>
        With(new HttpResponseMessage(HttpStatusCode.OK), Content, breaksAt, length, tag, isDated);

    /// <summary>The rest of it.</summary>
    public static HttpResponseMessage Rest(int from, string? tag = "\"one\"", int? breaksAt = null, bool isDated = false, long total = 1000)
    {
        var answer = With(new HttpResponseMessage(HttpStatusCode.PartialContent), Content[from..], breaksAt - from, Content.Length - from, tag, isDated);
        answer.Content.Headers.ContentRange = new ContentRangeHeaderValue(from, Content.Length - 1, total);
        return answer;
    }

    private static HttpResponseMessage With(HttpResponseMessage answer, byte[] bytes, int? breaksAt, long? length, string? tag, bool isDated)
    {
        answer.Content = new StreamContent(new Breaking(bytes, breaksAt));
        answer.Content.Headers.ContentLength = length;
        answer.Headers.ETag = tag is null ? null : EntityTagHeaderValue.Parse(tag);
        if (isDated)
        {
            answer.Headers.Date = Changed.AddHours(1);
            answer.Content.Headers.LastModified = Changed;
        }

        return answer;
    }

    /// <summary>Ends with a fault, or says nothing more.</summary>
    internal sealed class Breaking(byte[] bytes, int? breaksAt, bool isSilent = false) : Stream
    {
        private readonly MemoryStream content = new(bytes[..(breaksAt ?? bytes.Length)]);

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var read = await content.ReadAsync(buffer, cancellationToken);
            if (read == 0 && isSilent)
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }

            return read > 0 || breaksAt is null ? read : throw new HttpIOException(HttpRequestError.ResponseEnded);
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
