using System.Globalization;
using System.Security.Cryptography;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Contract;

/// <summary>Templates that are sent to the daemon, with curl as an operator does.</summary>
[Collection(LabTests.Name)]
public sealed class UploadTests(Lab lab)
{
    private const int MiB = 1 << 20;

    [DaemonTheory, EveryStorage]
    public async Task What_was_sent_is_the_template_of_the_next_disk_without_a_wait(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        var daemon = await area.StartAsync("--Pool:SettleTime", "00:10:00");
        foreach (var (image, master) in new[] { ("small", await lab.Masters.SmallAsync()), ("large", await lab.Masters.LargeAsync()) })
        {
            var made = await PutAsync(daemon, $"{image}?sha256={Sha256(master)}", master);
            Assert.Contains($"\"sha256\":\"{Sha256(master)}\"", made, StringComparison.Ordinal);
            area.Oracle.Template(image, master);
            Assert.Contains(image, await daemon.Client.ImagesAsync());
            (await daemon.Client.SetImageAsync(image, $"web-{image}")).Is(200);
            area.Oracle.Disk($"web-{image}", image);
        }

        await area.Oracle.CheckAsync();
    }

    [DaemonFact]
    public async Task What_fails_leaves_no_name_and_no_file()
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        var daemon = await area.StartAsync();
        var master = await lab.Masters.SmallAsync();
        Assert.Contains("digest_mismatch", await PutAsync(daemon, $"u?sha256={new string('0', 64)}", master), StringComparison.Ordinal);
        var half = Path.Combine(Lab.Directory, "half");
        await Shell.RunAsync("sh", "-c", $"head -c 100000 {master} > {half}");
        Assert.Contains("image_rejected", await PutAsync(daemon, "u", half), StringComparison.Ordinal);
        await Shell.RunAsync("sh", "-c", $"gzip -c {master} > {half}");
        Assert.Contains("image_rejected", await PutAsync(daemon, "u", half), StringComparison.Ordinal);
        Assert.Empty(await daemon.Client.ImagesAsync());
        await area.Oracle.CheckAsync();
    }

    [DaemonFact]
    public async Task A_sender_who_breaks_off_or_falls_silent_leaves_nothing()
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        var daemon = await area.StartAsync("--Import:StallTimeout", "00:00:02");
        var master = await lab.Masters.SolidAsync(40);
        await Shell.TryAsync("timeout", "1", "curl", "-s", "--limit-rate", "10M", "-T", master, Address(daemon, "u"));
        var silent = await Shell.RunAsync("sh", "-c", $"(head -c {3 * MiB} {master}; sleep 20) | curl -s -T - {Address(daemon, "u")}");
        Assert.Contains("request_timeout", silent, StringComparison.Ordinal);
        Assert.Empty(await daemon.Client.ImagesAsync());
        await Wait.UntilAsync("the private files to go", () => Task.FromResult(Private(area) == 0));
        await area.Oracle.CheckAsync();
    }

    [DaemonFact]
    public async Task Of_a_daemon_that_was_killed_nothing_stays_and_the_name_is_free()
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        var master = await lab.Masters.SolidAsync(40);
        foreach (var share in new[] { 0.1, 0.9 })
        {
            var daemon = await area.StartAsync();
            var sending = Shell.TryAsync("curl", "-s", "--limit-rate", "20M", "-T", master, Address(daemon, "u"));
            await daemon.Client.CopyingAsync("u", (long)(share * 40 * MiB));
            await daemon.KillAsync();
            await sending;
        }

        var next = await area.StartAsync();
        Assert.Empty(await next.Client.ImagesAsync());
        await Wait.UntilAsync("the private files to go", () => Task.FromResult(Private(area) == 0));
        Assert.Contains("\"image\":\"u\"", await PutAsync(next, "u", master), StringComparison.Ordinal);
        area.Oracle.Template("u", master);
        await area.Oracle.CheckAsync();
    }

    [DaemonFact]
    public async Task A_large_image_of_zeros_takes_neither_room_nor_memory()
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        var daemon = await area.StartAsync();
        var sparse = Path.Combine(Lab.Directory, "wide.raw");
        await Shell.RunAsync("sh", "-c", $"head -c {64 * MiB} /dev/urandom > {sparse} && truncate -s 4G {sparse}");
        var made = await PutAsync(daemon, "wide", sparse);
        Assert.Contains("\"size_bytes\":4294967296,", made, StringComparison.Ordinal);
        var allocated = (await Shell.RunAsync("stat", "-c", "%b", area.Seen("wide_template.img"))).Trim();
        Assert.InRange(512 * long.Parse(allocated, CultureInfo.InvariantCulture), 64L * MiB, 65L * MiB);
        Assert.InRange(daemon.PeakRss, 0, 160L * MiB);
        Assert.Null(Content.Difference(area.Seen("wide_template.img"), sparse));
    }

    [DaemonTheory, SharedStorage]
    public async Task A_name_that_two_nodes_are_sent_goes_to_one(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        Daemon[] nodes = [await area.StartAtAsync(0), await area.StartAtAsync(1)];
        string[] masters = [await lab.Masters.SmallAsync("a"), await lab.Masters.SmallAsync("b")];
        for (var round = 0; round < 10; round++)
        {
            var answers = await Task.WhenAll(nodes.Select((node, number) => PutAsync(node, $"t{round}", masters[number])));
            var winner = Array.FindIndex(answers, answer => answer.Contains("\"sha256\"", StringComparison.Ordinal));
            Assert.Contains("image_exists", answers[1 - winner], StringComparison.Ordinal);
            area.Oracle.Template($"t{round}", masters[winner]);
        }

        await area.Oracle.CheckAsync(place: 0);
        await area.Oracle.CheckAsync(place: 1);
    }

    private static string Sha256(string file)
    {
        using var stream = File.OpenRead(file);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    private static string Address(Daemon daemon, string template) => $"{daemon.Client.Address}templates/{template}";

    private static Task<string> PutAsync(Daemon daemon, string template, string file) =>
        Shell.RunAsync("curl", "-s", "-T", file, Address(daemon, template));

    /// <summary>How many files daemons have in the making.</summary>
    private static int Private(StorageArea area) => Directory.EnumerateDirectories(area.Seen(".storagehost"))
        .Select(directory => Path.Combine(directory, "making")).Where(Directory.Exists).Sum(directory => Directory.EnumerateFiles(directory).Count());
}
