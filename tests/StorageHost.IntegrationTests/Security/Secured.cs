using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.IntegrationTests.Security;

/// <summary>A daemon that asks who calls, in every way that it can, at one https address, one http address and one Unix socket.</summary>
internal sealed class Secured : IAsyncDisposable
{
    private readonly string directory;
    private readonly List<Client> clients = [];
    private readonly Uri https = new($"https://127.0.0.1:{Daemon.FreePort()}");
    private readonly Uri http = new($"http://127.0.0.1:{Daemon.FreePort()}");

    private Secured(StorageArea area, string directory)
    {
        (Area, this.directory) = (area, directory);
        OpenSsl = new OpenSsl(directory);
    }

    public StorageArea Area { get; }

    public OpenSsl OpenSsl { get; }

    public Daemon Daemon { get; private set; } = null!;

    public string Certificate => File("server.crt");

    public string CertificateKey => File("server.secret");

    public string ClientCa => File("clients.crt");

    public string ClientsFile => File("clients");

    public string TokensFile => File("tokens");

    public string Socket => File("socket");

    private string[] Settings =>
    [
        "--Urls", $"{https};{http};http://unix:{Socket}", "--Security:Certificate", Certificate, "--Security:CertificateKey", CertificateKey,
        "--Security:ClientCa", ClientCa, "--Security:ClientsFile", ClientsFile, "--Security:TokensFile", TokensFile,
    ];

    /// <summary>Starts one that <c>controller01</c> may use for everything and <c>monitor</c> for looking; each has a certificate of <c>authority</c>.</summary>
    public static async Task<Secured> StartAsync(Lab lab, [CallerMemberName] string test = "")
    {
        // A short name: the path of a Unix socket has at most 108 bytes.
        var own = Directory.CreateDirectory(Path.Combine(Lab.Directory, "security", Path.GetRandomFileName())).FullName;
        var secured = new Secured(await lab.AreaAsync(StorageKind.Xfs, test), own);
        await secured.Area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        await secured.OpenSsl.AuthorityAsync("authority");
        await secured.OpenSsl.IssueAsync("authority", "server", "IP:127.0.0.1");
        await secured.OpenSsl.IssueAsync("authority", "controller01", "DNS:controller01.example.org");
        await secured.OpenSsl.IssueAsync("authority", "monitor", "DNS:monitor.example.org");
        secured.Serve("server");
        System.IO.File.Copy(secured.OpenSsl.Pem("authority"), secured.ClientCa);
        await System.IO.File.WriteAllTextAsync(secured.ClientsFile, "# all of the farm\nread,provision,destroy controller01.example.org\nread CN=monitor,O=Example\n");
        await System.IO.File.WriteAllTextAsync(secured.TokensFile, "");
        await secured.StartDaemonAsync();
        return secured;
    }

    /// <summary>Starts the daemon, also once more after it has ended.</summary>
    public async Task StartDaemonAsync() => Daemon = await Area.StartAsync(https, handler => Show(handler, "controller01"), Settings);

    public string File(string name) => Path.Combine(directory, name);

    /// <summary>Has the daemon show this certificate.</summary>
    public void Serve(string name)
    {
        System.IO.File.Copy(OpenSsl.Pem(name), Certificate, overwrite: true);
        System.IO.File.Copy(OpenSsl.Key(name), CertificateKey, overwrite: true);
    }

    /// <summary>Somebody who calls the https address with a certificate, or without one.</summary>
    public Client With(string? certificate, SslProtocols protocols = SslProtocols.None, bool keep = true, Version? version = null) => Remember(new Client(https, Daemon.Tail, handler =>
    {
        Show(handler, certificate);
        handler.SslOptions.EnabledSslProtocols = protocols;
        handler.PooledConnectionLifetime = keep ? Timeout.InfiniteTimeSpan : TimeSpan.Zero;
    })
    {
        Version = version ?? HttpVersion.Version11,
    });

    /// <summary>Somebody who calls the http address.</summary>
    public Client InTheClear() => Remember(new Client(http, Daemon.Tail));

    /// <summary>Somebody who calls through the Unix socket.</summary>
    public Client ThroughSocket() => Remember(new Client(http, Daemon.Tail, handler => handler.ConnectCallback = async (_, cancellationToken) =>
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(Socket), cancellationToken);
        return new NetworkStream(socket, ownsSocket: true);
    }));

    /// <summary>The serial number of the certificate that a new connection is shown.</summary>
    public async Task<string> ServedAsync()
    {
        using var client = new TcpClient(https.Host, https.Port);
        await using var tls = new SslStream(client.GetStream(), leaveInnerStreamOpen: false);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = https.Host, CertificateChainPolicy = Policy() });
        return tls.RemoteCertificate!.GetSerialNumberString();
    }

    /// <summary>Runs <c>storagehost token</c>, and gives what it says.</summary>
    public Task<string> TokenAsync(params string[] words) => Shell.RunAsync([Repository.Daemon, "token", .. words, "--Security:TokensFile", TokensFile]);

    /// <summary>Waits for a line of the log.</summary>
    public Task LogsAsync(string part) => Wait.UntilAsync($"the log to say: {part}", () => Task.FromResult(Daemon.Output.Contains(part, StringComparison.Ordinal)));

    public async ValueTask DisposeAsync()
    {
        clients.ForEach(client => client.Dispose());
        await Area.DisposeAsync();
    }

    private void Show(SocketsHttpHandler handler, string? certificate)
    {
        var shown = certificate is null ? null : OpenSsl.Load(certificate);
        handler.SslOptions.LocalCertificateSelectionCallback = (_, _, _, _, _) => shown!;
        handler.SslOptions.CertificateChainPolicy = Policy();
    }

    private X509ChainPolicy Policy()
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPemFile(OpenSsl.Pem("authority"));
        return policy;
    }

    private Client Remember(Client client)
    {
        clients.Add(client);
        return client;
    }
}
