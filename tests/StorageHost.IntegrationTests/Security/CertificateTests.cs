using System.Security.Authentication;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Security;

[Collection(LabTests.Name)]
public sealed class CertificateTests(Lab lab)
{
    [DaemonTheory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task Who_may_come_in_is_told_by_his_certificate(SslProtocols protocol)
    {
        await using var secured = await Secured.StartAsync(lab);
        await secured.OpenSsl.AuthorityAsync("stranger");
        await secured.OpenSsl.IssueAsync("stranger", "forged", "DNS:controller01.example.org");
        await secured.OpenSsl.IssueAsync("authority", "expired", "DNS:controller01.example.org", days: -1);
        await secured.OpenSsl.IssueAsync("authority", "server02", "DNS:controller01.example.org", purpose: "serverAuth");
        await secured.OpenSsl.IssueAsync("authority", "unlisted", "DNS:controller02.example.org");

        Assert.Equal(["centos"], await secured.With("controller01", protocol).ImagesAsync(), StringComparer.Ordinal);
        (await secured.With("monitor", protocol).GetAsync("/pools")).Is(200);
        (await secured.With("monitor", protocol).DeleteImageAsync("centos")).Refuses(403, "forbidden");
        (await secured.With("unlisted", protocol).GetAsync("/pools")).Refuses(403, "forbidden");
        (await secured.With(null, protocol).GetAsync("/pools")).Refuses(401, "unauthenticated");
        (await secured.With(null, protocol).GetAsync("/healthz")).Is(200);
        foreach (var (name, reason) in new[] { ("forged", "PartialChain"), ("expired", "NotTimeValid"), ("server02", "NotValidForUsage") })
        {
            await Assert.ThrowsAsync<HttpRequestException>(() => secured.With(name, protocol).GetAsync("/healthz"));
            await secured.LogsAsync($"A client certificate from 127.0.0.1 was refused (CN={name}, O=Example): {reason}");
        }

        await secured.LogsAsync("Audit: CN=monitor, O=Example (certificate) asked for DELETE /: 403 forbidden");
    }

    [DaemonFact]
    public async Task The_servers_certificate_is_changed_under_requests_that_go_on()
    {
        await using var secured = await Secured.StartAsync(lab);
        await secured.OpenSsl.IssueAsync("authority", "renewed", "IP:127.0.0.1");
        var kept = secured.With("controller01");
        (await kept.GetAsync("/pools")).Is(200);
        await WhileAskedAsync(secured, async () =>
        {
            secured.Serve("renewed");
            await Wait.UntilAsync("the renewed certificate to be served", async () => await secured.ServedAsync() == secured.OpenSsl.Load("renewed").SerialNumber);
        });
        (await kept.GetAsync("/pools")).Is(200);

        await File.WriteAllTextAsync(secured.Certificate, "no certificate");
        await secured.LogsAsync("Keeping the previous files; the new ones are invalid: Security:Certificate: ");
        Assert.Equal(secured.OpenSsl.Load("renewed").SerialNumber, await secured.ServedAsync());
    }

    [DaemonFact]
    public async Task The_authorities_are_changed_under_requests_that_go_on()
    {
        await using var secured = await Secured.StartAsync(lab);
        await secured.OpenSsl.AuthorityAsync("successor");
        await secured.OpenSsl.IssueAsync("successor", "controller02", "DNS:controller01.example.org");
        var kept = secured.With("controller01");
        (await kept.GetAsync("/pools")).Is(200);
        await Assert.ThrowsAsync<HttpRequestException>(() => secured.With("controller02").GetAsync("/pools"));

        await WhileAskedAsync(secured, async () =>
        {
            await File.AppendAllTextAsync(secured.ClientCa, await File.ReadAllTextAsync(secured.OpenSsl.Pem("successor")));
            await Wait.UntilAsync("the successor to be trusted as well", async () => await secured.With("controller02").StatusAsync("/pools") == 200);
        });
        (await kept.GetAsync("/pools")).Is(200);

        // Who is connected already does not stay trusted by that.
        await File.WriteAllTextAsync(secured.ClientCa, await File.ReadAllTextAsync(secured.OpenSsl.Pem("successor")));
        await Wait.UntilAsync("the first to be trusted no more", async () => (await kept.GetAsync("/pools")).Status == 401);
        await Assert.ThrowsAsync<HttpRequestException>(() => kept.GetAsync("/pools"));
        (await secured.With("controller02").GetAsync("/pools")).Is(200);
    }

    [DaemonFact]
    public async Task Who_may_do_what_is_changed_without_a_restart()
    {
        await using var secured = await Secured.StartAsync(lab);
        var monitor = secured.With("monitor");
        (await monitor.DeleteHostAsync("web01")).Refuses(403, "forbidden");
        await File.AppendAllTextAsync(secured.ClientsFile, "destroy CN=monitor,O=Example\n");
        await Wait.UntilAsync("the new line to hold", async () => (await monitor.DeleteHostAsync("web01")).Status == 404);

        await File.WriteAllTextAsync(secured.ClientsFile, "everything for everybody\n");
        await secured.LogsAsync($"Security:ClientsFile: {secured.ClientsFile}: line 1: 'everything' is no scope");
        (await monitor.DeleteHostAsync("web01")).Refuses(404, "host_not_found");
        await File.WriteAllTextAsync(secured.ClientsFile, "");
        await Wait.UntilAsync("nobody to be listed", async () => (await monitor.GetAsync("/pools")).Status == 403);
    }

    /// <summary>Every request of callers who keep their connection, and of those who make a new one for each, must be answered 200 meanwhile.</summary>
    private static async Task WhileAskedAsync(Secured secured, Func<Task> change)
    {
        using var over = new CancellationTokenSource();
        var callers = new[] { true, false }.Select(keep => AskAsync(secured.With("controller01", keep: keep), over.Token)).ToArray();
        await change();
        await over.CancelAsync();
        Assert.All(await Task.WhenAll(callers), asked => Assert.InRange(asked, 10, int.MaxValue));
    }

    private static async Task<int> AskAsync(Client client, CancellationToken over)
    {
        var asked = 0;
        for (; !over.IsCancellationRequested; asked++)
        {
            (await client.GetAsync("/?target=images")).Is(200);
        }

        return asked;
    }
}
