using Microsoft.Security.AntiSSRF;
using StorageHost.Images.Templates;

namespace StorageHost.Fetching;

/// <summary>Sends one request over a connection of its own.</summary>
internal sealed class UrlTransport : IDisposable
{
    private readonly UrlRules rules;
    private readonly HttpMessageInvoker open;
    private readonly HttpMessageInvoker anywhere;

    public UrlTransport(UrlRules rules)
        : this(rules, PublicAddresses.Connect(), PublicAddresses.ConnectAnywhere())
    {
    }

    internal UrlTransport(UrlRules rules, HttpMessageHandler open, HttpMessageHandler anywhere) =>
        (this.rules, this.open, this.anywhere) = (rules, new HttpMessageInvoker(open), new HttpMessageInvoker(anywhere));

    /// <summary>Sends it, once the URL and its addresses have been checked, and waits for the head of the answer.</summary>
    /// <exception cref="Images.RefusedException">UrlRefused.</exception>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, SourceUrl url, CancellationToken cancellationToken)
    {
        rules.Check(url);
        await rules.CheckAddressesAsync(url, cancellationToken);
        try
        {
            return await (rules.MayBeAnywhere(url.Address) ? anywhere : open).SendAsync(request, cancellationToken);
        }
        catch (AntiSSRFException)
        {
            // The name has led elsewhere when it was looked up once more, for the connection.
            throw UrlRules.NotPublic(url.Address);
        }
    }

    public void Dispose()
    {
        open.Dispose();
        anywhere.Dispose();
    }
}
