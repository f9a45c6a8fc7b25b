using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using StorageHost.Api.Errors;

namespace StorageHost.Hosting.Security;

/// <summary>
/// What every https address does in a handshake: each one sees the files as they are then. A client without a certificate passes (it may
/// have a token, or only ask whether the daemon lives); one whose certificate is not trusted does not.
/// </summary>
internal sealed partial class Tls(SecurityFiles files, FailureLimit failures, ILogger<Tls> log)
{
    public void Configure(HttpsConnectionAdapterOptions https)
    {
        // Kestrel demands to be given one here; the handshake uses that of OnAuthenticate, which has its authorities with it.
        https.ServerCertificateSelector = (_, _) => files.Certificate.Current?.Certificate;
        https.OnAuthenticate = Configure;
    }

    private void Configure(ConnectionContext connection, SslServerAuthenticationOptions handshake)
    {
        handshake.ServerCertificateSelectionCallback = null;
        handshake.ServerCertificateContext = files.Certificate.Current?.Context;

        // A resumed session would bring its certificate from before, and nothing of what the client sent along with it.
        handshake.AllowTlsResume = false;
        if (files.ClientCa.Current is { } trust)
        {
            handshake.ClientCertificateRequired = true;
            handshake.CertificateChainPolicy = trust.NewPolicy();
            handshake.RemoteCertificateValidationCallback = (_, certificate, chain, errors) => certificate is not X509Certificate2 shown
                || Accept(connection, new PeerCertificate(shown, Copy(chain), trust), chain, errors);
        }
    }

    private bool Accept(ConnectionContext connection, PeerCertificate peer, X509Chain? chain, SslPolicyErrors errors)
    {
        if (errors == SslPolicyErrors.None)
        {
            connection.Features.Set(peer);
            return true;
        }

        var client = (connection.RemoteEndPoint as IPEndPoint)?.Address;
        if (failures.Admit(client))
        {
            LogRefused(
                client, Echo.Of(peer.Certificate.Subject), string.Join(", ", chain?.ChainStatus.Select(status => status.Status) ?? []));
        }

        return false;
    }

    /// <summary>The handshake lets go of what it was sent when it is over.</summary>
    private static X509Certificate2Collection Copy(X509Chain? chain) =>
        [.. chain?.ChainElements.Skip(1).Select(element =>
            X509CertificateLoader.LoadCertificate(element.Certificate.RawDataMemory.Span)) ?? []];

    [LoggerMessage(Level = LogLevel.Warning, Message = "A client certificate from {Client} was refused ({Subject}): {Reasons}")]
    private partial void LogRefused(IPAddress? client, string subject, string reasons);
}
