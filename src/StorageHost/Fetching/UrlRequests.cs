using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.Extensions.Options;
using StorageHost.Images;
using StorageHost.Images.Templates;

namespace StorageHost.Fetching;

/// <summary>Asks for what a URL leads to, and follows redirects by hand: each of them is checked like the URL itself.</summary>
internal sealed class UrlRequests(UrlTransport transport, IOptions<ImportOptions> options, TimeProvider time)
{
    private const int MostRedirects = 5;

    private static readonly ProductInfoHeaderValue Agent = new("storagehost", null);

    /// <summary>Asks.</summary>
    /// <param name="url">Where to begin.</param>
    /// <param name="origin">Whose user and password are sent, there and nowhere else.</param>
    /// <param name="offset">Which byte comes first.</param>
    /// <param name="version">What is to be as it was, for anything but the first byte.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The answer, and where it came from.</returns>
    /// <exception cref="RefusedException">UrlRefused; UrlFailed: too many redirects.</exception>
    /// <exception cref="IOException">No connection, or no answer in time.</exception>
    public async Task<(HttpResponseMessage Response, SourceUrl From)> AskAsync(
        SourceUrl url, SourceUrl origin, long offset, ContentVersion? version, CancellationToken cancellationToken)
    {
        for (var redirects = 0; ; redirects++)
        {
            using var request = Request(url, origin, offset, version);
            var response = await AskOnceAsync(request, url, cancellationToken);
            if ((int)response.StatusCode is not (301 or 302 or 303 or 307 or 308) || response.Headers.Location is not { } location)
            {
                return (response, url);
            }

            response.Dispose();
            if (redirects == MostRedirects)
            {
                throw new RefusedException(Refusal.UrlFailed, $"the URL leads through more than {MostRedirects} redirects");
            }

            url = url.Follow(location);
        }
    }

    private async Task<HttpResponseMessage> AskOnceAsync(HttpRequestMessage request, SourceUrl url, CancellationToken cancellationToken)
    {
        var limit = options.Value.StallTimeout;
        using var late = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, late.Token);
        try
        {
            return await transport.SendAsync(request, url, either.Token);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException(
                string.Create(CultureInfo.InvariantCulture, $"{url.Address.IdnHost} did not answer within {limit.TotalSeconds:0.#} s"),
                exception);
        }
        catch (Exception exception) when (Faults.Of(exception) is { } fault)
        {
            throw new IOException($"{url.Address.IdnHost}: {fault}", exception);
        }
    }

    private static HttpRequestMessage Request(SourceUrl url, SourceUrl origin, long offset, ContentVersion? version)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, url.Address);
        request.Headers.UserAgent.Add(Agent);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("*/*"));

        // A digest and an offset are of the file, and not of what a server makes of it on the way.
        request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
        if (offset > 0 && version is not null)
        {
            request.Headers.Range = new RangeHeaderValue(offset, null);
            request.Headers.IfRange = version.Condition;
        }

        if (origin.Address.UserInfo is { Length: > 0 } user && IsSame(origin.Address, url.Address))
        {
            var credentials = Encoding.UTF8.GetBytes(Uri.UnescapeDataString(user));
            request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(credentials));
        }

        return request;
    }

    private static bool IsSame(Uri one, Uri other) =>
        Uri.Compare(one, other, UriComponents.SchemeAndServer, UriFormat.UriEscaped, StringComparison.OrdinalIgnoreCase) == 0;
}
