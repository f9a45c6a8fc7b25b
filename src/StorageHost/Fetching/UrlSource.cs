using System.Globalization;
using System.Net;
using Microsoft.Extensions.Options;
using StorageHost.Images;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;

namespace StorageHost.Fetching;

/// <summary>Fetches what URLs lead to.</summary>
internal sealed class UrlSource(UrlRules rules, UrlRequests requests, IOptions<ImportOptions> options, TimeProvider time) : IUrlSource
{
    private static readonly string[] Pages = ["text/html", "application/xhtml+xml"];

    public void Check(SourceUrl url) => rules.Check(url);

    public async Task<UrlContent> OpenAsync(SourceUrl url, Action<string?> hindered, CancellationToken cancellationToken)
    {
        var (response, from) = await AskAsync(url, cancellationToken);
        try
        {
            RefuseOther(response);
            var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
            var length = response.Content.Headers.ContentLength;
            var content = new ResumableContent(
                requests, url, new UrlAnswer(response, stream, from), length, options.Value, hindered, time);
            return new UrlContent(content, length, length is not null || response.Headers.TransferEncodingChunked is true);
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    // Nothing has come yet, so there is nothing to save: whoever asked may ask once more.
    private async Task<(HttpResponseMessage Response, SourceUrl From)> AskAsync(SourceUrl url, CancellationToken cancellationToken)
    {
        try
        {
            return await requests.AskAsync(url, url, 0, null, cancellationToken);
        }
        catch (IOException exception)
        {
            throw new RefusedException(Refusal.UrlFailed, exception.Message);
        }
    }

    private static void RefuseOther(HttpResponseMessage response)
    {
        var content = response.Content.Headers;
        if (response.StatusCode != HttpStatusCode.OK)
        {
            throw new RefusedException(
                Refusal.UrlFailed,
                string.Create(CultureInfo.InvariantCulture, $"the server answered {(int)response.StatusCode} instead of 200"));
        }

        if (content.ContentType?.MediaType is { } type && Pages.Contains(type, StringComparer.OrdinalIgnoreCase))
        {
            throw new RefusedException(Refusal.ImageRejected, "what the URL leads to is a web page, not an image");
        }

        if (content.ContentLength == 0)
        {
            throw new RefusedException(Refusal.ImageRejected, "what the URL leads to is empty");
        }

        if (content.ContentEncoding.Any(encoding => !encoding.Equals("identity", StringComparison.OrdinalIgnoreCase)))
        {
            throw new RefusedException(
                Refusal.UrlFailed, "the server packs the image on the way (Content-Encoding), so neither its digest nor its length fits");
        }
    }
}
