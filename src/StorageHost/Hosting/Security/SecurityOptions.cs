namespace StorageHost.Hosting.Security;

/// <summary>
/// The section <c>Security</c>: who may reach the daemon, and how they show who they are. Files are given by absolute paths; an empty
/// path means that there is none. Each file is taken up again when it changes.
/// </summary>
internal sealed class SecurityOptions
{
    public const string Section = "Security";

    /// <summary>Whether everybody who can reach an address, and says nothing of who they are, may do everything.</summary>
    public bool AllowAnonymous { get; init; }

    /// <summary>PEM file with the server's certificate, then those of the authorities between it and a root.</summary>
    public string Certificate { get; init; } = "";

    /// <summary>PEM file with the certificate's private key, not encrypted.</summary>
    public string CertificateKey { get; init; } = "";

    /// <summary>PEM file with the authorities whose client certificates are trusted.</summary>
    public string ClientCa { get; init; } = "";

    /// <summary>Which of these clients may do what; see <see cref="ClientList"/>.</summary>
    public string ClientsFile { get; init; } = "";

    /// <summary>The bearer tokens, hashed; see <see cref="TokenList"/>.</summary>
    public string TokensFile { get; init; } = "";

    /// <summary>Octal mode of Unix sockets that the daemon listens on: whoever may write to one may do everything.</summary>
    public string SocketMode { get; init; } = "0660";

    /// <summary>How many connections there may be; never more than half of the files that the process may still open.</summary>
    public int MaxConnections { get; init; } = 4000;

    /// <summary>Whether a caller who does not say who it is may do everything.</summary>
    internal bool IsOpen => AllowAnonymous || (ClientCa.Length == 0 && TokensFile.Length == 0);
}
