using System.Globalization;
using System.Security.Cryptography;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;
using Xunit.Abstractions;

namespace StorageHost.IntegrationTests.Contract;

/// <summary>Templates that are sent to the daemon, with curl as an operator does.</summary>
[Collection(LabTests.Name)]
public sealed class UploadTests(Lab lab, ITestOutputHelper output)
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
            Assert.Contains(image, await daemon.Client.ImagesAsync(), StringComparer.Ordinal);
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
        await Shell.RunAsync("sh", "-c", $"gzip -c {master} | gzip -c > {half}");
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

        // curl looks for an answer only when it has something to send, and the daemon listens to what it has refused for 5 s.
        var silent = await Shell.TryAsync("sh", "-c", $"(head -c {3 * MiB} {master}; sleep 5; echo) | curl -s -T - {Address(daemon, "u")}");
        Assert.Contains("request_timeout", silent.Output, StringComparison.Ordinal);
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
            var bytes = (long)(share * 40 * MiB);
            using var hanging = Shell.Start(["sh", "-c", $"(head -c {bytes + (2 * MiB)} {master}; sleep 60) | curl -s -T - {Address(daemon, "u")}"]);
            try
            {
                await daemon.Client.CopyingAsync("u", bytes);
                await daemon.KillAsync();
            }
            finally
            {
                hanging.Kill(entireProcessTree: true);
                await hanging.WaitForExitAsync();
            }
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
            foreach (var node in nodes)
            {
                Assert.Equal(Sha256(masters[winner]), (await node.Client.GetAsync($"/templates/t{round}")).Is(200).GetProperty("sha256").GetString());
            }
        }

        await area.Oracle.CheckAsync(place: 0);
        await area.Oracle.CheckAsync(place: 1);
    }

    [DaemonTheory, SharedStorage]
    public async Task While_a_template_is_replaced_every_disk_is_wholly_old_or_new_and_after_the_answer_only_new(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        Daemon[] nodes = [await area.StartAtAsync(0, "--Storage:RescanInterval", "00:00:01"), await area.StartAtAsync(1, "--Storage:RescanInterval", "00:00:01")];
        string[] masters = [await lab.Masters.LargeAsync("a"), await lab.Masters.LargeAsync("b")];
        await PutAsync(nodes[0], "t", masters[0]);
        await Task.WhenAll(nodes.Select(node => node.Client.FillAsync("t", 4)));
        for (var round = 1; round <= 2; round++)
        {
            var replacing = PutAsync(nodes[round % 2], "t?replace=true", masters[round % 2]);
            var during = 0;
            while (!replacing.IsCompleted)
            {
                var hosts = nodes.Select((_, number) => $"r{round}-{number}-{during}").ToArray();
                foreach (var answer in await Task.WhenAll(nodes.Select((node, number) => node.Client.SetImageAsync("t", hosts[number]))))
                {
                    answer.Is(200);
                }

                Array.ForEach(hosts, host => area.Oracle.Expect($"{host}.qcow2", isSure: true, masters));
                during++;
            }

            Assert.Contains("\"versions\":[{", await replacing, StringComparison.Ordinal);
            area.Oracle.Template("t", masters[round % 2]);

            // Also of a node that was filling its pool from the old file: it reads it all the time, so its client goes on believing in it.
            for (var number = 0; number < 3 * nodes.Length; number++)
            {
                (await nodes[number % nodes.Length].Client.SetImageAsync("t", $"after{round}-{number}")).Is(200);
                area.Oracle.Disk($"after{round}-{number}", "t");
            }
        }

        await Task.WhenAll(nodes.Select(node => node.Client.FillAsync("t", 0)));
        await area.Oracle.CheckAsync(place: 0);
        await area.Oracle.CheckAsync(place: 1);
    }

    [DaemonFact]
    public async Task A_node_that_reads_the_old_template_all_the_time_does_not_put_its_own_over_the_new_one()
    {
        await using var area = await lab.AreaAsync(StorageKind.Replica3);
        Daemon[] nodes = [await area.StartAtAsync(0, "--Templates:KeepVersions", "5"), await area.StartAtAsync(1, "--Templates:KeepVersions", "5")];
        string[] masters = [await lab.Masters.LargeAsync("a"), await lab.Masters.SmallAsync("b"), await lab.Masters.SmallAsync("c")];
        await PutAsync(nodes[0], "t", masters[0]);
        var reading = Shell.TryAsync(area.Places[1].Command(
            "sh", "-c", $"exec timeout 20 dd if={area.Directory}/t_template.img of=/dev/null bs=4k iflag=direct"));
        await Task.Delay(TimeSpan.FromSeconds(1));
        Assert.Contains(Sha256(masters[1]), await PutAsync(nodes[0], "t?replace=true", masters[1]), StringComparison.Ordinal);
        var third = await PutAsync(nodes[1], "t?replace=true", masters[2]);
        output.WriteLine($"{(reading.IsCompleted ? "it had read all of it" : "it still read")}: {third}");
        var isDone = third.Contains("\"versions\"", StringComparison.Ordinal);
        Assert.True(isDone || third.Contains("job_conflict", StringComparison.Ordinal), third);
        await reading;
        await Wait.UntilAsync("both nodes to tell the same", async () =>
        {
            var told = await Task.WhenAll(nodes.Select(async node => (await node.Client.GetAsync("/templates/t")).Is(200)));
            string[] kept = [.. told[0].GetProperty("versions").EnumerateArray().Append(told[0]).Select(each => each.GetProperty("sha256").GetString()!)];
            return masters.Take(isDone ? 3 : 2).All(master => kept.Contains(Sha256(master), StringComparer.Ordinal))
                && told[0].ToString() == told[1].ToString();
        });
        area.Oracle.Template("t", masters[isDone ? 2 : 1]);
        await area.Oracle.CheckAsync();
    }

    [DaemonFact]
    public async Task A_daemon_that_is_killed_while_it_replaces_leaves_the_old_template_or_the_new_one()
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        string[] masters = [await lab.Masters.SmallAsync("a"), await lab.Masters.SmallAsync("b")];
        for (var round = 0; round < 12; round++)
        {
            var daemon = await area.StartAsync();
            await PutAsync(daemon, "t?replace=true", masters[0]);
            var replacing = Shell.TryAsync("curl", "-s", "-T", masters[1], Address(daemon, "t?replace=true"));
            await Task.Delay(Random.Shared.Next(1, 60));
            await daemon.KillAsync();
            await replacing;
            Assert.Contains(masters, master => Content.Same(area.Seen("t_template.img"), master));
        }

        var next = await area.StartAsync();
        await Wait.UntilAsync("the private files to go", () => Task.FromResult(Private(area) == 0));
        Assert.Contains("\"image\":\"t\"", await PutAsync(next, "t?replace=true", masters[1]), StringComparison.Ordinal);
        area.Oracle.Template("t", masters[1]);
        await area.Oracle.CheckAsync();
        Assert.InRange(Directory.GetFiles(area.Seen(".storagehost/versions")).Length, 0, 1);
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
