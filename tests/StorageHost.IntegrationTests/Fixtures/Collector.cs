using System.Collections.Concurrent;
using System.Globalization;
using System.Net;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>A span as it was exported.</summary>
internal sealed record Span(string Name, string TraceId, string Id, string ParentId, IReadOnlyList<string> LinkedTraces, IReadOnlyDictionary<string, string> Attributes);

/// <summary>Takes in what is pushed over OTLP (HTTP, protobuf), as a collector does; https://opentelemetry.io/docs/specs/otlp has the fields.</summary>
internal sealed class Collector : IAsyncDisposable
{
    private readonly HttpListener listener = new();
    private readonly ConcurrentQueue<Span> spans = new();
    private readonly ConcurrentDictionary<string, bool> metrics = new(StringComparer.Ordinal);
    private readonly Task serving;

    public Collector()
    {
        Address = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Daemon.FreePort()}/");
        listener.Prefixes.Add(Address);
        listener.Start();
        serving = ServeAsync();
    }

    public string Address { get; }

    public IReadOnlyList<Span> Spans => [.. spans];

    /// <summary>The names of the metrics that came.</summary>
    public ICollection<string> Metrics => metrics.Keys;

    /// <summary>The settings with which a daemon pushes here, and soon.</summary>
    public string[] Settings => ["--OTEL_EXPORTER_OTLP_ENDPOINT", Address, "--OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf", "--OTEL_BSP_SCHEDULE_DELAY", "200", "--OTEL_METRIC_EXPORT_INTERVAL", "500"];

    public async ValueTask DisposeAsync()
    {
        listener.Close();
        await serving;
    }

    private async Task ServeAsync()
    {
        while (listener.IsListening)
        {
            HttpListenerContext call;
            try
            {
                call = await listener.GetContextAsync();
            }
            catch (Exception closed) when (closed is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            using var body = new MemoryStream();
            await call.Request.InputStream.CopyToAsync(body);
            TakeIn(call.Request.Url!.AbsolutePath, new Protobuf(body.ToArray()));
            call.Response.ContentType = "application/x-protobuf";
            call.Response.Close();
        }
    }

    private void TakeIn(string path, Protobuf request)
    {
        // resource_spans or resource_metrics; of each scope_…; of each the spans or metrics.
        foreach (var item in request.Messages(1).SelectMany(resource => resource.Messages(2)).SelectMany(scope => scope.Messages(2)))
        {
            if (path is "/v1/traces")
            {
                spans.Enqueue(new Span(
                    item.Text(5), item.Hex(1), item.Hex(2), item.Hex(4), [.. item.Messages(13).Select(link => link.Hex(1))],
                    item.Messages(9).ToDictionary(attribute => attribute.Text(1), attribute => attribute.Messages(2).First().Text(1), StringComparer.Ordinal)));
            }
            else
            {
                metrics[item.Text(1)] = true;
            }
        }
    }
}
