using System.Globalization;
using System.Text.RegularExpressions;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Telemetry;

[Collection(LabTests.Name)]
public sealed class MetricsTests(Lab lab)
{
    [DaemonFact]
    public async Task The_numbers_are_what_was_done_and_Prometheus_takes_them()
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        await area.PutTemplateAsync("centos", await lab.Masters.SolidAsync(8));
        await Shell.RunAsync("qemu-img", "create", "-q", "-f", "qcow2", "-u", "-F", "raw", "-b", "/etc/passwd", area.Seen("broken_template.img"), "1M");
        var daemon = await area.StartAsync();
        var client = daemon.Client;
        Assert.Equal("copy", (await client.SetImageAsync("centos", "counted01")).Is(200).GetProperty("source").GetString());
        await client.FillAsync("centos", 2);
        Assert.Equal("pool", (await client.SetImageAsync("centos", "counted02")).Is(200).GetProperty("source").GetString());
        (await client.SetImageAsync("centos", "counted02")).Refuses(409, "host_exists");
        (await client.SetImageAsync("broken", "counted03")).Refuses(422, "image_rejected");
        (await client.AddStorageAsync("counted01", 1)).Is(200);
        await client.PoolHoldsAsync("centos", 2);

        // While one is claimed ahead, it is on its way for a moment and counted nowhere. How many it takes depends on when it looks: a copy
        // that comes back after a conflict is trimmed.
        var (samples, made) = (await CheckedAsync(client), 0);
        await Wait.UntilAsync("both copies to be counted, and all that were made", async () =>
        {
            samples = await CheckedAsync(client);
            made = Regex.Matches(daemon.Output, "Made ([0-9]+) copies of centos").Sum(line => int.Parse(line.Groups[1].Value, CultureInfo.InvariantCulture));
            return samples["""storagehost_pool_ready{image="centos"}"""] == 2 && samples["storagehost_copies_made_total"] == made;
        });
        Assert.True(made >= 4);
        Assert.Equal(
            [1, 1, 1, 0, 1, 2, 2, 0, 0, made, made * (8 << 20), 0, 1, 1, 1, 1],
            new[]
            {
                """storagehost_claims_total{image="centos",outcome="hit"}""",
                """storagehost_claims_total{image="centos",outcome="miss"}""",
                """storagehost_claims_total{image="centos",outcome="conflict"}""",
                """storagehost_claims_total{image="centos",outcome="stale"}""",
                """storagehost_claims_total{image="broken",outcome="failed"}""",
                """storagehost_pool_wanted{image="centos"}""",
                """storagehost_pool_ready{image="centos"}""",
                """storagehost_pool_waiting{image="centos"}""",
                """storagehost_copy_failures_total{image="centos"}""",
                "storagehost_copies_made_total",
                "storagehost_copy_written_bytes_total",
                "storagehost_storage_timeouts_total",
                """storagehost_storage_breaker{state="closed"}""",
                """storagehost_process_duration_seconds_count{outcome="succeeded",program="qemu-img"}""",
                """storagehost_claim_duration_seconds_count{outcome="miss"}""",
                "storagehost_ready",
            }.Select(series => samples[series]));
        Assert.True(samples["""storagehost_copy_failures_total{image="broken"}"""] >= 1);
        Assert.True(samples["""storagehost_copy_duration_seconds_count{outcome="failed"}"""] >= 1);
        Assert.Equal(1, samples["""http_server_request_duration_seconds_count{http_request_method="POST",http_response_status_code="409",http_route="/"}"""]);
        Assert.Equal(1, samples.Single(sample => sample.Key.StartsWith("storagehost_volume_status{status=\"ok\"", StringComparison.Ordinal)).Value);
        Assert.InRange(samples["process_resident_memory_bytes"], 20 << 20, 1 << 30);
        Assert.InRange(samples["process_start_time_seconds"], DateTimeOffset.UtcNow.ToUnixTimeSeconds() - 600, DateTimeOffset.UtcNow.ToUnixTimeSeconds());
    }

    [DaemonFact]
    public async Task What_is_said_of_an_image_goes_with_it()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        await area.PutTemplateAsync("debian12", await lab.Masters.SmallAsync());
        var client = (await area.StartAsync()).Client;
        await client.FillAsync("centos", 1);
        Assert.Contains("image=\"centos\"", await ReadAsync(client), StringComparison.Ordinal);
        (await client.DeleteImageAsync("centos")).Is(200);
        var text = await ReadAsync(client);
        Assert.DoesNotContain("image=\"centos\"", text, StringComparison.Ordinal);
        Assert.Contains("image=\"debian12\"", text, StringComparison.Ordinal);
    }

    [DaemonFact]
    public async Task Of_a_Gluster_volume_the_bricks_and_what_they_have_to_heal_are_counted()
    {
        await using var area = await lab.AreaAsync(StorageKind.Replica3);
        var client = (await area.StartAsync(StorageView.Quick)).Client;
        await client.VolumeIsWellAsync(StorageView.Gluster, "replica");
        string[] expected =
        [
            """storagehost_gluster_bricks{state="up",volume="replica"}""",
            """storagehost_gluster_bricks{state="down",volume="replica"}""",
            """storagehost_gluster_bricks{state="unknown",volume="replica"}""",
            """storagehost_volume_status{status="ok",volume="replica"}""",
            """storagehost_gluster_heal_pending{volume="replica"}""",
            """storagehost_gluster_split_brain{volume="replica"}""",
        ];

        // The bricks are asked first.
        await Wait.UntilAsync("heals to be known", async () => Samples(await ReadAsync(client)) is var known && Array.TrueForAll(expected, known.ContainsKey));
        var samples = await CheckedAsync(client);
        Assert.Equal([3, 0, 0, 1, 0, 0], expected.Select(series => samples[series]));
    }

    /// <summary>What Prometheus takes without a complaint.</summary>
    private static async Task<Dictionary<string, double>> CheckedAsync(Client client)
    {
        var text = await ReadAsync(client);
        var file = Path.Combine(Lab.Directory, "metrics");
        await File.WriteAllTextAsync(file, text);
        Assert.Equal("", await Shell.RunAsync("sh", "-c", $"promtool check metrics < {file} 2>&1"));
        return Samples(text);
    }

    private static async Task<string> ReadAsync(Client client)
    {
        var answer = await client.GetAsync("/metrics");
        Assert.Equal((200, "text/plain"), (answer.Status, answer.MediaType));
        return answer.Text;
    }

    private static Dictionary<string, double> Samples(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line[0] != '#')
        .ToDictionary(line => line[..line.LastIndexOf(' ')], line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture), StringComparer.Ordinal);
}
