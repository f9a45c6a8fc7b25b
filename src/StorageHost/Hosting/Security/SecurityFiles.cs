namespace StorageHost.Hosting.Security;

/// <summary>What the files of the section <c>Security</c> say now.</summary>
internal sealed class SecurityFiles(SecurityOptions security)
{
    /// <summary>The certificate that the daemon shows; null without https.</summary>
    public WatchedFile<ServerCertificate?> Certificate { get; } = new(
        [Key(nameof(SecurityOptions.Certificate)), Key(nameof(SecurityOptions.CertificateKey))],
        Paths(security.Certificate, security.CertificateKey),
        (texts, faults) => ServerCertificate.Read(texts[0], texts[1], faults[0], faults[1]), null);

    /// <summary>Whose client certificates are trusted; null when nobody is asked for one.</summary>
    public WatchedFile<ClientTrust?> ClientCa { get; } = new(
        [Key(nameof(SecurityOptions.ClientCa))], Paths(security.ClientCa), (texts, faults) => ClientTrust.Read(texts[0], faults[0]), null);

    /// <summary>Which of these clients may do what.</summary>
    public WatchedFile<ClientList> Clients { get; } = new(
        [Key(nameof(SecurityOptions.ClientsFile))], Paths(security.ClientsFile), (texts, faults) => ClientList.Read(texts[0], faults[0]),
        ClientList.Empty);

    /// <summary>The bearer tokens.</summary>
    public WatchedFile<TokenList> Tokens { get; } = new(
        [Key(nameof(SecurityOptions.TokensFile))], Paths(security.TokensFile), (texts, faults) => TokenList.Read(texts[0], faults[0]),
        TokenList.Empty);

    /// <summary>All of them.</summary>
    public IReadOnlyList<IWatchedFile> All => [Certificate, ClientCa, Clients, Tokens];

    /// <summary>Reads them for the first time, and gives every fault.</summary>
    public IReadOnlyList<string> Open() => [.. All.SelectMany(file => file.Open())];

    private static string Key(string name) => $"{SecurityOptions.Section}:{name}";

    // What is no absolute path is a fault already.
    private static string[] Paths(params string[] paths) => paths.All(path => path.StartsWith('/')) ? paths : [];
}
