using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Security;

[Collection(LabTests.Name)]
public sealed class SocketTests(Lab lab)
{
    [DaemonFact]
    public async Task Whoever_may_write_to_the_socket_may_do_everything()
    {
        await using var secured = await Secured.StartAsync(lab);
        var client = secured.ThroughSocket();
        (await client.SetImageAsync("centos", "web01")).Is(200);
        (await client.DeleteHostAsync("web01")).Is(200);
        (await client.SendAsync(HttpMethod.Get, "/pools", headers: [("Authorization", "Bearer wrong")])).Refuses(401, "unauthenticated");
        await secured.LogsAsync("Audit: uid 0 (socket) asked for delete host web01: 200");

        Assert.Equal("660", (await Shell.RunAsync("stat", "-c", "%a", secured.Socket)).Trim());
        await Shell.RunAsync("chmod", "0755", Lab.Directory, Path.Combine(Lab.Directory, "security"), Path.GetDirectoryName(secured.Socket)!);
        Assert.Equal(7, (await AsNobodyAsync(secured)).ExitCode);
        await Shell.RunAsync("chgrp", "nogroup", secured.Socket);
        Assert.Equal((0, "200"), await AsNobodyAsync(secured) is var said ? (said.ExitCode, said.Output) : default);
    }

    [DaemonFact]
    public async Task A_socket_that_a_killed_daemon_left_is_in_nobodys_way()
    {
        await using var secured = await Secured.StartAsync(lab);
        await secured.Daemon.KillAsync();
        Assert.True(File.Exists(secured.Socket));
        await secured.StartDaemonAsync();
        (await secured.ThroughSocket().GetAsync("/pools")).Is(200);
    }

    private static Task<Said> AsNobodyAsync(Secured secured) => Shell.TryAsync(
        "runuser", "-u", "nobody", "--", "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket", secured.Socket, "http://localhost/pools");
}
