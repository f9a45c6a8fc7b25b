using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Contract;

/// <summary>Templates that somebody is still putting there, or stopped putting there.</summary>
[Collection(LabTests.Name)]
public sealed class UnfinishedTemplateTests(Lab lab)
{
    private const string Settling = "00:00:03";

    [DaemonTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_caller_waits_for_a_template_that_is_still_being_copied_and_gets_all_of_it(bool isRaw)
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        var daemon = await area.StartAsync("--Pool:SettleTime", Settling);
        var master = isRaw ? await lab.Masters.SolidAsync(8) : await lab.Masters.SmallAsync();
        var template = area.Seen("u_template.img");
        await CopyAsync($"head -c 100000 {master} > {template}");
        var waiting = daemon.Client.SetImageAsync("u", "web01");
        await Task.Delay(TimeSpan.FromSeconds(1.5));
        await CopyAsync($"tail -c +100001 {master} >> {template}");
        area.Oracle.Template("u", master);
        (await waiting).Is(200);
        area.Oracle.Disk("web01", "u");
        await area.Oracle.CheckAsync();
    }

    [DaemonFact]
    public async Task Half_a_qcow2_is_refused_with_what_it_lacks_until_the_rest_is_there()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        var daemon = await area.StartAsync("--Pool:SettleTime", Settling);
        var master = await lab.Masters.SmallAsync();
        var template = area.Seen("u_template.img");
        await CopyAsync($"head -c 100000 {master} > {template}");
        var refused = await daemon.Client.SetImageAsync("u", "web01");
        refused.Refuses(422, "image_rejected");
        Assert.Contains("is cut short or still being copied: it needs ", refused.Text, StringComparison.Ordinal);
        Assert.InRange(refused.Took.TotalSeconds, 1, 20);
        (await daemon.Client.DupAsync("u", 1)).Refuses(422, "image_rejected");
        await CopyAsync($"tail -c +100001 {master} >> {template}");
        area.Oracle.Template("u", master);
        (await daemon.Client.SetImageAsync("u", "web01")).Is(200);
        area.Oracle.Disk("web01", "u");
        await area.Oracle.CheckAsync();
    }

    private static Task<string> CopyAsync(string command) => Shell.RunAsync("sh", "-c", command);
}
