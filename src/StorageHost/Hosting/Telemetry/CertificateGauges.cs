using System.Diagnostics.Metrics;
using StorageHost.Hosting.Security;

namespace StorageHost.Hosting.Telemetry;

/// <summary>When the certificates expire that the daemon shows, and that it trusts: nothing works over https from then on.</summary>
internal sealed class CertificateGauges
{
    public CertificateGauges(IMeterFactory meters, SecurityFiles files) => meters.Create("StorageHost").CreateObservableGauge(
        "storagehost.certificate.expiry_timestamp", () => Expiries(files), "s", "When a certificate expires, in seconds since 1970.");

    private static IEnumerable<Measurement<double>> Expiries(SecurityFiles files)
    {
        if (files.Certificate.Current?.Certificate.NotAfter.ToUniversalTime() is { } server)
        {
            yield return Of("server", server);
        }

        if (files.ClientCa.Current?.Expires is { } authority)
        {
            yield return Of("client_ca", authority);
        }
    }

    private static Measurement<double> Of(string certificate, DateTime expires) =>
        new((expires - DateTime.UnixEpoch).TotalSeconds, new KeyValuePair<string, object?>("certificate", certificate));
}
