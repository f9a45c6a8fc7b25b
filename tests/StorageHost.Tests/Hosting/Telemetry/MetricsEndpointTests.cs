using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text.Json;
using System.Text.RegularExpressions;
using StorageHost.Hosting.Telemetry;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Hosting.Telemetry;

public sealed class MetricsEndpointTests : IDisposable
{
    private static readonly string Deploy = Path.Combine(Root(), "deploy");

    private readonly ServedDaemon served = new();
    private readonly HttpClient client;

    public MetricsEndpointTests() => client = served.CreateClient();

    public void Dispose()
    {
        client.Dispose();
        served.Dispose();
    }

    [Theory]
    [InlineData(null, "text/plain; version=0.0.4; charset=utf-8")]
    [InlineData("*/*", "text/plain; version=0.0.4; charset=utf-8")]
    [InlineData("text/plain;version=0.0.4", "text/plain; version=0.0.4; charset=utf-8")]
    [InlineData("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", "application/openmetrics-text; version=1.0.0; charset=utf-8")]
    [InlineData("application/openmetrics-text;q=0.2,text/plain;q=0.5", "text/plain; version=0.0.4; charset=utf-8")]
    [InlineData("application/openmetrics-text;q=0", "text/plain; version=0.0.4; charset=utf-8")]
    [InlineData("nonsense", "text/plain; version=0.0.4; charset=utf-8")]
    public async Task The_format_is_the_one_that_is_asked_for(string? accept, string type)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        request.Headers.TryAddWithoutValidation("Accept", accept);
        using var response = await client.SendAsync(request);
        Assert.Equal(type, response.Content.Headers.ContentType?.ToString());
        Assert.Equal(type.StartsWith("application", StringComparison.Ordinal), (await response.Content.ReadAsStringAsync()).EndsWith("# EOF\n", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_is_done_is_counted_and_every_series_is_there_once()
    {
        await PostAsync("""{"action":"setimage","createvmform":{"image":"centos","hostname":"web01"}}""");
        await PostAsync("""{"action":"setimage","createvmform":{"image":"centos","hostname":"web01"}}""");
        var samples = Sample.ReadAll(await client.GetStringAsync("/metrics"));
        Assert.Equal(samples.Length, samples.Select(sample => $"{sample.Name}{string.Join(',', sample.Labels)}").Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(
            "hit 0, miss 1, repeated 0, conflict 1, stale 0, gone 0, failed 0, abandoned 0",
            string.Join(", ", samples.Where(sample => sample.Name == "storagehost_claims_total").Select(sample => $"{sample.Labels.Single(label => label.Name == "outcome").Value} {sample.Value}")));
        Assert.Equal(1, samples.Single(sample => sample.Name == "storagehost_copies_made_total").Value);
        Assert.Equal(2, samples.Where(sample => sample.Name == "http_server_request_duration_seconds_count").Sum(sample => sample.Value));
        Assert.Equal(DaemonGauges.Version, samples.Single(sample => sample.Name == "storagehost_build_info").Labels.Single(label => label.Name == "version").Value);
    }

    [Fact]
    public async Task No_label_is_what_a_caller_has_made_up()
    {
        using var unknown = await client.GetAsync("/made-up");
        using var odd = await client.SendAsync(new HttpRequestMessage(new HttpMethod("MADEUP"), "/pools"));
        await PostAsync("""{"action":"setimage","createvmform":{"image":"madeup","hostname":"madeup"}}""");
        using var pool = await client.GetAsync("/pools/madeup");
        Assert.DoesNotContain("made", string.Join(' ', Sample.ReadAll(await client.GetStringAsync("/metrics"))
            .Where(sample => !sample.Name.EndsWith("copies_made_total", StringComparison.Ordinal))), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task The_series_of_an_image_go_with_its_template()
    {
        await Eventually.HoldsAsync(() => client.GetStringAsync("/metrics").Result.Contains("image=\"centos\"", StringComparison.Ordinal));
        using var deleted = await client.DeleteAsync("/?action=image&target=centos");
        Assert.DoesNotContain("image=", await client.GetStringAsync("/metrics"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_dashboard_asks_for_what_there_is()
    {
        using var dashboard = JsonDocument.Parse(File.ReadAllText(Path.Combine(Deploy, "grafana-dashboard.json")));
        var panels = dashboard.RootElement.GetProperty("panels").EnumerateArray().Where(panel => panel.GetProperty("type").GetString() != "row").ToArray();
        var expressions = panels.SelectMany(panel => panel.GetProperty("targets").EnumerateArray()).Select(target => target.GetProperty("expr").GetString()!).ToArray();
        Assert.True(expressions.Length >= panels.Length);
        Assert.Empty(expressions.SelectMany(Metrics).Except(Exported(), StringComparer.Ordinal));
        Assert.All(expressions, expression => Assert.Contains("instance=~\"$instance\"", expression, StringComparison.Ordinal));
    }

    [Fact]
    public void The_alerts_ask_for_what_there_is()
    {
        var expressions = File.ReadLines(Path.Combine(Deploy, "alerts.yml")).Where(line => line.TrimStart().StartsWith("expr: ", StringComparison.Ordinal)).ToArray();
        Assert.NotEmpty(expressions);
        Assert.Empty(expressions.SelectMany(Metrics).Except(Exported(), StringComparer.Ordinal));
    }

    [Fact]
    public void Everything_of_ours_is_on_the_dashboard_or_in_an_alert()
    {
        var asked = Metrics(File.ReadAllText(Path.Combine(Deploy, "grafana-dashboard.json"))).Concat(Metrics(File.ReadAllText(Path.Combine(Deploy, "alerts.yml"))));
        Assert.Empty(Exported().Where(name => name.StartsWith("storagehost_", StringComparison.Ordinal) && !name.EndsWith("_sum", StringComparison.Ordinal))
            .GroupBy(name => Regex.Replace(name, "_(bucket|count)$", ""), StringComparer.Ordinal).Where(family => !family.Intersect(asked, StringComparer.Ordinal).Any()).Select(family => family.Key));
    }

    private static IEnumerable<string> Metrics(string expression) => Regex.Matches(expression, "\\b(storagehost|http|process|dotnet)_[a-z_]+(?=[{\\[ ])").Select(match => match.Value);

    /// <summary>The names of all samples that there can be: also of those that this machine has no cause for.</summary>
    private static List<string> Exported()
    {
        // A listener hears of the instruments of the whole process, also from the threads of tests beside this one.
        var instruments = new ConcurrentQueue<Instrument>();
        using var meters = new ServedDaemon();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, _) => instruments.Enqueue(instrument);
        listener.Start();
        using var started = meters.CreateClient();
        return [.. instruments.SelectMany(SamplesOf)];
    }

    private static IEnumerable<string> SamplesOf(Instrument instrument)
    {
        var family = MetricName.Of(instrument.Name, instrument.Unit ?? "").Family;
        var kind = instrument.GetType().Name;
        return kind.StartsWith("Histogram", StringComparison.Ordinal) ? [$"{family}_bucket", $"{family}_sum", $"{family}_count"]
            : kind.StartsWith("ObservableCounter", StringComparison.Ordinal) || kind.StartsWith("Counter", StringComparison.Ordinal) ? [$"{family}_total"]
            : [family];
    }

    private async Task PostAsync(string body)
    {
        using var response = await client.PostAsync(new Uri("/", UriKind.Relative), new StringContent(body));
    }

    private static string Root()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory.GetFiles("StorageHost.sln").Length == 0)
        {
            directory = directory.Parent ?? throw new DirectoryNotFoundException("The repository is not above the tests' binaries.");
        }

        return directory.FullName;
    }
}
