using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Contract;

/// <summary>Templates that the daemon fetches itself, from a server in this process.</summary>
[Collection(LabTests.Name)]
public sealed class UrlImportTests(Lab lab)
{
    private const int MiB = 1 << 20;

    private static readonly string[] Local = ["--Import:Urls", "true", "--Import:AllowedHosts", "127.0.0.1", "--Import:StallTimeout", "00:00:02"];

    [DaemonTheory, EveryStorage]
    public async Task What_was_fetched_is_the_template_of_the_next_disk(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        var master = await lab.Masters.LargeAsync();
        await using var server = ImageServer.For(area.Places[0], master);
        var daemon = await area.StartAsync("--Import:Urls", "true", "--Import:AllowedHosts", server.Host, "--Pool:SettleTime", "00:10:00");
        Assert.Equal("succeeded", (await FetchAsync(daemon, server, sha256: Sha256(master))).State());
        area.Oracle.Template("t", master);
        var template = (await daemon.Client.GetAsync("/templates/t")).Is(200);
        Assert.Equal((Sha256(master), $"url http://{server.Host}/image"), (template.GetProperty("sha256").GetString(), template.GetProperty("source").GetString()));
        (await daemon.Client.SetImageAsync("t", "web1")).Is(200);
        area.Oracle.Disk("web1", "t");
        await area.Oracle.CheckAsync();
        Assert.DoesNotContain("hush", daemon.Output, StringComparison.Ordinal);
    }

    [DaemonFact]
    public async Task A_download_that_breaks_off_and_falls_silent_goes_on_where_it_was()
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        var master = await lab.Masters.SolidAsync(40);
        await using var server = new ImageServer(master, 10 * MiB + 1, 0, 7 * MiB);
        var daemon = await area.StartAsync(Local);
        Assert.Equal("succeeded", (await FetchAsync(daemon, server)).State());
        Assert.Equal(["bytes=10485761-", "bytes=10485761-", "bytes=17825793-"], Ranges(server), StringComparer.Ordinal);
        server.BreaksAfter.Enqueue(3 * MiB);
        server.FallsSilent = true;
        Assert.Equal("succeeded", (await FetchAsync(daemon, server, replace: true)).State());
        area.Oracle.Template("t", master);
        await area.Oracle.CheckAsync();
    }

    [DaemonFact]
    public async Task An_image_that_changes_in_the_middle_is_fetched_from_the_beginning()
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        var master = await lab.Masters.SolidAsync(40);
        await using var server = new ImageServer(master, 20 * MiB) { Rate = 20 * MiB };
        var daemon = await area.StartAsync(Local);
        var job = await StartAsync(daemon, server);
        await daemon.Client.CopyingAsync("t", MiB);
        server.ETag = "\"two\"";
        server.Rate = 0;
        Assert.Equal("succeeded", (await EndAsync(daemon, job)).State());
        Assert.Equal(3, server.Requests.Count);
        area.Oracle.Template("t", master);
        await area.Oracle.CheckAsync();
    }

    [DaemonFact]
    public async Task What_is_no_image_or_not_whole_never_gets_the_name()
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        var page = Path.Combine(Lab.Directory, "page.html");
        await File.WriteAllTextAsync(page, "<!DOCTYPE html><html><body>Sign in</body></html>");
        var master = await lab.Masters.SmallAsync();
        await using var pages = new ImageServer(page);
        await using var server = new ImageServer(master);
        var daemon = await area.StartAsync([.. Local, "--Import:UrlRetries", "1"]);
        Refused(await FetchAsync(daemon, pages), "image_rejected");
        pages.ContentType = "text/html; charset=utf-8";
        Refused(await FetchAsync(daemon, pages), "image_rejected");
        Refused(await FetchAsync(daemon, server, sha256: new string('0', 64)), "digest_mismatch");

        // Longer than it says: the rest is not of the answer. Shorter: it is never the end.
        server.SaysLength = (int)new FileInfo(master).Length - 70_000;
        Refused(await FetchAsync(daemon, server), "image_rejected", "digest_mismatch");
        server.SaysLength = (int)new FileInfo(master).Length + 5;
        Refused(await FetchAsync(daemon, server), "url_failed");
        server.SaysLength = null;
        server.BreaksAfter.Enqueue(50_000);
        server.BreaksAfter.Enqueue(0);
        Refused(await FetchAsync(daemon, server), "url_failed");

        // A stream without an end is no shorter image.
        server.SendsChunks = true;
        server.BreaksAfter.Enqueue(50_000);
        server.BreaksAfter.Enqueue(0);
        Refused(await FetchAsync(daemon, server), "url_failed");
        Assert.Empty(await daemon.Client.ImagesAsync());
        Assert.Equal("succeeded", (await FetchAsync(daemon, server)).State());
        area.Oracle.Template("t", master);
        await area.Oracle.CheckAsync();
    }

    [DaemonFact]
    public async Task An_image_without_a_known_size_is_counted()
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        await using var server = new ImageServer(await lab.Masters.SolidAsync(40)) { SendsChunks = true };
        var daemon = await area.StartAsync([.. Local, "--Import:MaxBytes", $"{16 * MiB}"]);
        Refused(await FetchAsync(daemon, server), "payload_too_large");
        await Wait.UntilAsync("the private files to go", () => Task.FromResult(Private(area) == 0));
        Assert.Empty(await daemon.Client.ImagesAsync());
    }

    [DaemonFact]
    public async Task A_job_that_is_cancelled_leaves_nothing_and_a_taken_name_begins_none()
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        var master = await lab.Masters.SolidAsync(40);
        await using var server = new ImageServer(master) { Rate = 10 * MiB };
        var daemon = await area.StartAsync(Local);
        var job = await StartAsync(daemon, server);
        var running = await daemon.Client.CopyingAsync("t", 2 * MiB);
        Assert.Equal((40L * MiB, true), (running.GetProperty("bytes_total").GetInt64(), running.GetProperty("eta_seconds").GetInt64() >= 1));
        Assert.Equal("cancelled", (await daemon.Client.SendAsync(HttpMethod.Delete, job.ToString())).Is(200).State());
        Assert.Empty(await daemon.Client.ImagesAsync());
        await Wait.UntilAsync("the private files to go", () => Task.FromResult(Private(area) == 0));
        server.Rate = 0;
        Assert.Equal("succeeded", (await FetchAsync(daemon, server)).State());
        (await PostAsync(daemon, server.Url)).Refuses(409, "image_exists");
        area.Oracle.Template("t", master);
        await area.Oracle.CheckAsync();
    }

    [DaemonFact]
    public async Task No_redirect_and_no_URL_leads_to_this_machine_unless_it_is_allowed()
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        using var secret = new TcpListener(IPAddress.IPv6Any, 0);
        secret.Server.DualMode = true;
        secret.Start();
        var port = ((IPEndPoint)secret.LocalEndpoint).Port;
        await using var server = new ImageServer(await lab.Masters.SmallAsync());
        string[] settings = ["--Import:Urls", "true", "--Import:AllowedHosts", $"127.0.0.1:{server.Port}"];
        var daemon = await area.StartAsync(settings);
        foreach (var host in new[] { "127.0.0.1", "localhost", "2130706433", "0177.0.0.1", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254" })
        {
            (await PostAsync(daemon, $"https://{host}:{port}/")).Refuses(422, "url_refused");
            server.RedirectsTo = $"https://{host}:{port}/?key=hush";
            var ended = await FetchAsync(daemon, server);
            Refused(ended, "url_refused");
            Assert.DoesNotContain("hush", ended.GetProperty("error").GetString()!, StringComparison.Ordinal);
        }

        // The name of this machine leads to an address of its own, or to none.
        Refused(await EndAsync(daemon, (await PostAsync(daemon, $"https://{Dns.GetHostName()}:{port}/")).Location!), "url_refused", "url_failed");
        Assert.False(secret.Pending());
        Assert.DoesNotContain("hush", daemon.Output, StringComparison.Ordinal);
    }

    [DaemonFact]
    public async Task Of_a_daemon_that_was_killed_nothing_stays_and_the_name_is_free()
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        var master = await lab.Masters.SolidAsync(40);
        await using var server = new ImageServer(master) { Rate = 20 * MiB };
        var jobs = new List<Uri>();
        foreach (var share in new[] { 0.1, 0.8 })
        {
            var daemon = await area.StartAsync(Local);
            jobs.Add(await StartAsync(daemon, server));
            await daemon.Client.CopyingAsync("t", (long)(share * 40 * MiB));
            await daemon.KillAsync();
        }

        var next = await area.StartAsync(Local);
        Assert.Empty(await next.Client.ImagesAsync());
        foreach (var job in jobs)
        {
            await Wait.UntilAsync("the job to be told as interrupted", async () => await next.Client.StatusAsync(job.ToString()) == 200);
            var told = (await next.Client.GetAsync(job.ToString())).Is(200);
            Assert.Equal(("failed", "t"), (told.State(), told.GetProperty("image").GetString()));
            Assert.StartsWith("interrupted: ", told.GetProperty("error").GetString(), StringComparison.Ordinal);
        }

        await Wait.UntilAsync("the private files to go", () => Task.FromResult(Private(area) == 0));
        server.Rate = 0;
        Assert.Equal("succeeded", (await FetchAsync(next, server)).State());
        area.Oracle.Template("t", master);
        await area.Oracle.CheckAsync();
    }

    [DaemonTheory, SharedStorage]
    public async Task Jobs_that_ended_are_told_by_every_node_and_after_a_restart(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        await using var server = ImageServer.For(area.Places[0], await lab.Masters.SmallAsync());
        string[] settings = ["--Import:Urls", "true", "--Import:AllowedHosts", server.Host, "--Storage:RescanInterval", "00:00:01"];
        Daemon[] nodes = [await area.StartAtAsync(0, settings), await area.StartAtAsync(1, settings)];
        var done = await StartAsync(nodes[0], server);
        Assert.Equal("succeeded", (await EndAsync(nodes[0], done)).State());
        server.RedirectsTo = "https://127.0.0.1/";
        var refused = await StartAsync(nodes[0], server, replace: true);
        await EndAsync(nodes[0], refused);
        await SeeAsync(nodes[1]);
        Assert.Equal(0, await nodes[0].StopAsync());
        nodes[0] = await area.StartAtAsync(0, settings);
        await SeeAsync(nodes[0]);
        (await nodes[0].Client.SendAsync(HttpMethod.Delete, done.ToString())).Refuses(409, "job_conflict");
        Assert.Equal(["t"], await nodes[0].Client.ImagesAsync());

        async Task SeeAsync(Daemon node)
        {
            await Wait.UntilAsync("both jobs to be told", async () =>
                await node.Client.StatusAsync(done.ToString()) == 200 && await node.Client.StatusAsync(refused.ToString()) == 200);
            Assert.Equal("succeeded", (await EndAsync(node, done)).State());
            Refused(await EndAsync(node, refused), "url_refused");
            var ids = (await node.Client.GetAsync("/jobs")).Is(200).GetProperty("jobs").EnumerateArray().Select(job => job.GetProperty("id").GetString()).ToList();
            Assert.Equal([refused.ToString().Split('/')[^1], done.ToString().Split('/')[^1]], ids, StringComparer.Ordinal);
        }
    }

    [DaemonFact]
    public async Task A_large_image_takes_no_memory()
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        var master = await lab.Masters.SolidAsync(200);
        await using var server = new ImageServer(master);
        var daemon = await area.StartAsync(Local);
        Assert.Equal("succeeded", (await FetchAsync(daemon, server, sha256: Sha256(master))).State());
        Assert.InRange(daemon.PeakRss, 0, 160L * MiB);
    }

    private static void Refused(JsonElement job, params string[] codes)
    {
        Assert.Equal("failed", job.State());
        Assert.Contains(job.GetProperty("code").GetString()!, codes, StringComparer.Ordinal);
    }

    private static IEnumerable<string> Ranges(ImageServer server) => server.Requests.SelectMany(head => head.Split("\r\n"))
        .Where(line => line.StartsWith("Range: ", StringComparison.OrdinalIgnoreCase)).Select(line => line["Range: ".Length..]);

    private static async Task<JsonElement> FetchAsync(Daemon daemon, ImageServer server, string? sha256 = null, bool replace = false) =>
        await EndAsync(daemon, await StartAsync(daemon, server, sha256, replace));

    private static async Task<Uri> StartAsync(Daemon daemon, ImageServer server, string? sha256 = null, bool replace = false)
    {
        var answer = await PostAsync(daemon, server.Url, sha256, replace);
        answer.Is(202);
        return answer.Location!;
    }

    private static async Task<JsonElement> EndAsync(Daemon daemon, Uri job) => (await daemon.Client.JobEndsAsync(job)).Is(200);

    private static Task<Answer> PostAsync(Daemon daemon, string url, string? sha256 = null, bool replace = false) =>
        daemon.Client.SendAsync(HttpMethod.Post, "/templates", JsonSerializer.Serialize(new { image = "t", url, sha256, replace }));

    private static string Sha256(string file)
    {
        using var stream = File.OpenRead(file);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    /// <summary>How many files daemons have in the making.</summary>
    private static int Private(StorageArea area) => Directory.EnumerateDirectories(area.Seen(".storagehost"))
        .Select(directory => Path.Combine(directory, "making")).Where(Directory.Exists).Sum(directory => Directory.EnumerateFiles(directory).Count());
}
