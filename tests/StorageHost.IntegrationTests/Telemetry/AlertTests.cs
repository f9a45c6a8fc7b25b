using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Telemetry;

/// <summary>The alerts that are shipped, asked of Prometheus' own tool. They need no volume.</summary>
public sealed class AlertTests
{
    private static readonly string Rules = Path.Combine(Repository.Root, "deploy/alerts.yml");

    [DaemonFact]
    public async Task The_rules_are_sound() => Assert.Contains("SUCCESS", await Shell.RunAsync("promtool", "check", "rules", "--lint-fatal", Rules), StringComparison.Ordinal);

    [DaemonFact]
    public async Task Each_alert_fires_when_it_should_and_not_before() => Assert.Contains(
        "SUCCESS", await Shell.RunAsync("promtool", "test", "rules", Path.Combine(Repository.Root, "tests/StorageHost.IntegrationTests/Telemetry/alerts.tests.yml")), StringComparison.Ordinal);

    [DaemonFact]
    public async Task Each_alert_has_its_tests_and_is_explained()
    {
        var tested = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "tests/StorageHost.IntegrationTests/Telemetry/alerts.tests.yml"));
        var explained = await File.ReadAllLinesAsync(Path.Combine(Repository.Root, "docs/operations.md"));
        var lines = await File.ReadAllLinesAsync(Rules);
        var alerts = lines.Where(line => line.Contains("- alert: ", StringComparison.Ordinal)).Select(line => line.Split(": ")[1]).ToArray();
        Assert.NotEmpty(alerts);
        Assert.All(["summary", "description", "severity"], field => Assert.Equal(alerts.Length, lines.Count(line => line.TrimStart().StartsWith($"{field}: ", StringComparison.Ordinal))));
        Assert.Equal(alerts.Select(alert => $"runbook: docs/operations.md#{alert.ToLowerInvariant()}"), lines.Select(line => line.Trim()).Where(line => line.StartsWith("runbook", StringComparison.Ordinal)), StringComparer.Ordinal);
        Assert.All(alerts, alert =>
        {
            Assert.Contains($"### {alert}", explained, StringComparer.Ordinal);
            Assert.Contains($"alertname: {alert}\n        exp_alerts", tested, StringComparison.Ordinal);
        });
    }
}
