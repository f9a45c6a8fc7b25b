using System.Net.Http.Headers;

namespace StorageHost.Fetching;

/// <summary>
/// By what a server tells one content from a later one: a strong ETag, or a time of the last change that is no longer the present second.
/// </summary>
/// <param name="Tag">The ETag; null when there is none.</param>
/// <param name="Changed">When it was last changed; null when the tag is there, or nobody says.</param>
internal sealed record ContentVersion(EntityTagHeaderValue? Tag, DateTimeOffset? Changed)
{
    /// <summary>What a request for the rest says, so that the server sends it only of the same content.</summary>
    public RangeConditionHeaderValue Condition => Tag is not null
        ? new RangeConditionHeaderValue(Tag)
        : new RangeConditionHeaderValue(Changed ?? DateTimeOffset.UnixEpoch);

    /// <summary>That of an answer; null when two contents could have the same.</summary>
    public static ContentVersion? Of(HttpResponseMessage response) =>
        response.Headers.ETag is { IsWeak: false } tag ? new ContentVersion(tag, null)
        : response.Content.Headers.LastModified is { } changed && changed.AddSeconds(1) <= response.Headers.Date
            ? new ContentVersion(null, changed)
        : null;

    /// <summary>Whether an answer is of the same content, as far as it says.</summary>
    public bool IsOf(HttpResponseMessage response) => Tag is not null
        ? response.Headers.ETag is not { } tag || tag.Equals(Tag)
        : response.Content.Headers.LastModified is not { } changed || changed == Changed;
}
