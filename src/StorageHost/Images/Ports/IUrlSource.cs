using StorageHost.Images.Templates;

namespace StorageHost.Images.Ports;

/// <summary>Fetches what URLs lead to (port; implemented in Fetching).</summary>
internal interface IUrlSource
{
    /// <summary>Refuses a URL that itself says that nothing is fetched from it. Nobody is asked.</summary>
    /// <exception cref="RefusedException">UrlRefused.</exception>
    void Check(SourceUrl url);

    /// <summary>Asks for the content, wherever redirects lead.</summary>
    /// <param name="url">Where it is.</param>
    /// <param name="hindered">Told why nothing comes just now, before it is tried again; and null when something comes once more.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The content. While it is read, it goes on by itself after a connection that broke off.</returns>
    /// <exception cref="RefusedException">UrlRefused: it, or what it leads to, is not fetched from; UrlFailed; ImageRejected: it is no
    /// image.</exception>
    Task<UrlContent> OpenAsync(SourceUrl url, Action<string?> hindered, CancellationToken cancellationToken);
}

/// <summary>What a URL leads to.</summary>
/// <param name="Content">
/// The content, read once, from front to back. It ends only where the server says that it does. It throws a
/// <see cref="RestartException"/> when the rest cannot be had for what has come, and what <see cref="IUrlSource.OpenAsync"/> does.
/// </param>
/// <param name="Length">How many bytes it has; null when the server does not say.</param>
/// <param name="IsEndCertain">Whether an end can be told from a connection that broke off.</param>
internal sealed record UrlContent(Stream Content, long? Length, bool IsEndCertain) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => Content.DisposeAsync();
}

/// <summary>What has come of a URL is of no use any more: it has changed, or its server cannot go on in the middle.</summary>
/// <param name="message">Which of them.</param>
internal sealed class RestartException(string message) : Exception(message);
