using StorageHost.IntegrationTests.Fixtures;
using StorageHost.IntegrationTests.Security;
using Xunit;

namespace StorageHost.IntegrationTests.Cli;

/// <summary>How the client shows who it is: contexts with tokens, certificates, a Unix socket.</summary>
[Collection(LabTests.Name)]
public sealed class AccessTests(Lab lab)
{
    [DaemonFact]
    public async Task Tokens_certificates_and_sockets_open_what_they_are_for()
    {
        await using var secured = await Secured.StartAsync(lab);
        var (https, http) = (secured.With(null).Address.GetLeftPart(UriPartial.Authority), secured.InTheClear().Address.GetLeftPart(UriPartial.Authority));
        Assert.Equal(77, (await ClientRun.RunAsync(http, "template", "list")).ExitCode);

        var token = secured.File("token");
        await File.WriteAllTextAsync(token, await secured.TokenAsync("add", "ci", "read"));
        Assert.Equal(78, (await ClientRun.RunAsync(http, "template", "list", "--token-file", token)).ExitCode);
        await Shell.RunAsync("chmod", "600", token);
        await Wait.UntilAsync("the token to be good", async () => (await ClientRun.RunAsync(http, "template", "list", "--token-file", token)).ExitCode == 0);
        Assert.Equal(77, (await ClientRun.RunAsync(http, "disk", "add", "web01", "1", "--token-file", token)).ExitCode);

        string[] certificate = ["--ca", secured.OpenSsl.Pem("authority"), "--certificate", secured.OpenSsl.Pem("controller01"), "--certificate-key", secured.OpenSsl.Key("controller01")];
        await Shell.RunAsync("chmod", "600", secured.OpenSsl.Key("controller01"));
        Assert.Contains("centos", await ClientRun.DoAsync(https, ["template", "list", .. certificate]), StringComparison.Ordinal);
        Assert.Equal(69, (await ClientRun.RunAsync(https, ["template", "list", .. certificate[2..]])).ExitCode);

        await ClientRun.DoAsync($"unix:{secured.Socket}", "disk", "create", "web01", "centos");
        await secured.LogsAsync("Audit: uid 0 (socket) asked for setimage centos web01: 200");

        var home = Directory.CreateDirectory(secured.File("config/storagehost")).FullName;
        await File.WriteAllTextAsync(Path.Combine(home, "config.json"), $$$$"""{"current":"farm","contexts":{"farm":{"server":"{{{{http}}}}","token_file":"{{{{token}}}}"}}}""");
        var line = $"chmod 600 {home}/config.json; unset STORAGEHOST_SERVER; XDG_CONFIG_HOME={secured.File("config")} \"$0\" template list -o csv | tail -n 1 | cut -d , -f 1";
        Assert.Equal("centos\n", (await ClientRun.BashAsync("", line)).Output);
    }
}
