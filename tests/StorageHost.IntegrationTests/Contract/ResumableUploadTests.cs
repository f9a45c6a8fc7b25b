using System.Globalization;
using StorageHost.IntegrationTests.Fixtures;
using StorageHost.IntegrationTests.Torture;
using Xunit;
using Xunit.Abstractions;

namespace StorageHost.IntegrationTests.Contract;

/// <summary>Templates that are sent in pieces, with curl as an operator does, to whichever daemon is there.</summary>
[Collection(LabTests.Name)]
public sealed class ResumableUploadTests(Lab lab, ITestOutputHelper output)
{
    private const int MiB = 1 << 20;

    [DaemonTheory]
    [InlineData(StorageKind.PlainXfs)]
    [InlineData(StorageKind.Replica3)]
    public async Task What_a_killed_daemon_had_taken_another_one_continues(StorageKind kind)
    {
        var random = TortureSettings.Begin(output, $"{nameof(ResumableUploadTests)} {kind}");
        await using var area = await lab.AreaAsync(kind);
        var master = await lab.Masters.SolidAsync(40);
        for (var round = 0; round < TortureSettings.Count(2, 100); round++)
        {
            var image = string.Create(CultureInfo.InvariantCulture, $"t{round}");
            var daemon = await area.StartAtAsync(0);
            var address = await BeginAsync(daemon, image, master);
            for (var kills = 0; kills < 3; kills++)
            {
                var sending = SendAsync(daemon, address, master, await OffsetAsync(daemon, address), "--limit-rate", "60M");
                await Task.Delay(random.Next(20, 600));
                await daemon.KillAsync();
                await sending;
                daemon = await area.StartAtAsync((kills + 1) % area.Places.Count);
            }

            var made = "";
            while (await OffsetAsync(daemon, address) is { } offset)
            {
                made = await SendAsync(daemon, address, master, offset);
            }

            // When the answer of the last piece was lost, the template says it.
            var template = made.Contains("\"sha256\"", StringComparison.Ordinal) ? made : (await daemon.Client.GetAsync($"/templates/{image}")).ToString();
            Assert.Contains((await Shell.RunAsync("sha256sum", master))[..64], template, StringComparison.Ordinal);
            area.Oracle.Template(image, master);
            await daemon.KillAsync();
        }

        await area.StartAtAsync(0);
        Assert.Empty(Directory.GetFiles(area.Seen(".storagehost/uploads")));
        await area.Oracle.CheckAsync();
    }

    [DaemonTheory]
    [InlineData(StorageKind.PlainXfs)]
    [InlineData(StorageKind.Replica3)]
    public async Task A_newer_sender_on_another_node_ends_one_that_hangs(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        var master = await lab.Masters.SolidAsync(40);
        var older = await area.StartAtAsync(0);
        var newer = await area.StartAtAsync(area.Places.Count - 1);
        var address = await BeginAsync(older, "t", master);
        using var hanging = Shell.Start(["sh", "-c", $"(head -c {3 * MiB} {master}; sleep 60) | curl -s -X PATCH -H 'Upload-Offset: 0' -T - {older.Client.Address}{address}"]);
        try
        {
            await older.Client.CopyingAsync("t", 1);
            var made = await SendAsync(newer, address, master, 0);
            Assert.Contains("\"source\":\"upload\"", made, StringComparison.Ordinal);
            area.Oracle.Template("t", master);
            await Wait.UntilAsync("the older one to be refused", async () =>
                (await older.Client.GetAsync("/metrics")).Text.Contains("http_response_status_code=\"409\"", StringComparison.Ordinal));
        }
        finally
        {
            hanging.Kill(entireProcessTree: true);
            await hanging.WaitForExitAsync();
        }

        await area.Oracle.CheckAsync();
    }

    private static async Task<string> BeginAsync(Daemon daemon, string image, string master)
    {
        var sum = (await Shell.RunAsync("sha256sum", master))[..64];
        var begun = await daemon.Client.SendAsync(
            HttpMethod.Post, "/uploads", $$"""{"image":"{{image}}","size_bytes":{{new FileInfo(master).Length}},"sha256":"{{sum}}"}""");
        return $"uploads/{begun.Is(201).GetProperty("id").GetString()}";
    }

    /// <summary>Where it goes on; null when it is finished.</summary>
    private static async Task<long?> OffsetAsync(Daemon daemon, string address) =>
        await daemon.Client.GetAsync($"/{address}") is { Status: not 404 } answer ? answer.Is(200).GetProperty("offset").GetInt64() : null;

    private static async Task<string> SendAsync(Daemon daemon, string address, string master, long? offset, params string[] options)
    {
        var sent = string.Join(' ', options);
        return (await Shell.TryAsync(
            "sh", "-c", $"tail -c +{offset + 1} {master} | curl -s {sent} -X PATCH -H 'Upload-Offset: {offset}' -T - {daemon.Client.Address}{address}")).Output;
    }
}
