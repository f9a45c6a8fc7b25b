using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Telemetry;

[Collection(LabTests.Name)]
public sealed class TraceTests(Lab lab)
{
    private const string Caller = "0af7651916cd43dd8448eb211c80319c";

    [DaemonFact]
    public async Task A_request_its_claim_its_copy_and_its_programs_are_one_trace()
    {
        await using var collector = new Collector();
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var daemon = await area.StartAsync(collector.Settings);
        (await daemon.Client.SendAsync(
            HttpMethod.Post, "/", """{"action":"setimage","createvmform":{"image":"centos","hostname":"traced01"}}""",
            headers: [("traceparent", $"00-{Caller}-b7ad6b7169203331-01")])).Is(200);
        (await daemon.Client.AddStorageAsync("traced01", 1)).Is(200);
        var refused = (await daemon.Client.SetImageAsync("centos", "traced01")).Refuses(409, "host_exists").GetProperty("trace_id").GetString()!;

        await Wait.UntilAsync("all spans", () => Task.FromResult(collector.Spans.Any(span => span.TraceId == refused && span.Name is "POST /")
            && collector.Spans.Any(span => span.Name is "run qemu-img") && Spans(collector, Caller).Length == 3));
        var (request, claim, copy) = (One(collector, Caller, "POST /"), One(collector, Caller, "claim"), One(collector, Caller, "copy"));
        Assert.Equal(("b7ad6b7169203331", request.Id, claim.Id), (request.ParentId, claim.ParentId, copy.ParentId));
        Assert.Equal(("centos", "traced01", "miss", "made"), (
            claim.Attributes["storagehost.image"], claim.Attributes["storagehost.hostname"], claim.Attributes["storagehost.outcome"], copy.Attributes["storagehost.outcome"]));
        Assert.Equal("conflict", One(collector, refused, "claim").Attributes["storagehost.outcome"]);

        var program = collector.Spans.Single(span => span.Name is "run qemu-img");
        Assert.Equal(One(collector, program.TraceId, "POST /").Id, program.ParentId);
        Assert.All(["made", "conflict"], outcome => Assert.Contains(collector.Spans, span => span.Attributes.GetValueOrDefault("storagehost.outcome") == outcome));
        Assert.DoesNotContain(collector.Spans, span => span.Name.Contains("readyz", StringComparison.Ordinal));
        Assert.Contains(daemon.Output.Split('\n'), line => line.Contains("Made 1 copies", StringComparison.Ordinal) && line.Contains(Caller, StringComparison.Ordinal));
        await Wait.UntilAsync("metrics", () => Task.FromResult(collector.Metrics.Contains("storagehost.claims") && collector.Metrics.Contains("http.server.request.duration")));
    }

    [DaemonFact]
    public async Task Filling_a_pool_is_a_trace_of_its_own()
    {
        await using var collector = new Collector();
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var daemon = await area.StartAsync(collector.Settings);
        await daemon.Client.FillAsync("centos", 2);
        await Wait.UntilAsync("the copy's span", () => Task.FromResult(collector.Spans.Any(span => span.Name is "copy")));
        var copy = Assert.Single(collector.Spans, span => span.Name is "copy");
        Assert.Equal(("", "centos"), (copy.ParentId, copy.Attributes["storagehost.image"]));
        Assert.DoesNotContain(collector.Spans, span => span.TraceId == copy.TraceId && span != copy);
    }

    [DaemonFact]
    public async Task A_collector_that_is_not_there_is_no_hindrance()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var daemon = await area.StartAsync("--OTEL_EXPORTER_OTLP_ENDPOINT", "http://192.0.2.1:4317");
        await daemon.Client.FillAsync("centos", 1);
        Assert.Equal("pool", (await daemon.Client.SetImageAsync("centos", "alone01")).Is(200).GetProperty("source").GetString());
        Assert.Equal(0, await daemon.StopAsync(seconds: 40));
    }

    private static Span[] Spans(Collector collector, string trace) => [.. collector.Spans.Where(span => span.TraceId == trace)];

    private static Span One(Collector collector, string trace, string name) => Assert.Single(Spans(collector, trace), span => span.Name == name);
}
