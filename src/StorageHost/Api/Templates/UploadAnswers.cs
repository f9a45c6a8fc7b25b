using StorageHost.Images.Templates;

namespace StorageHost.Api.Templates;

/// <summary>The headers of uploads, as the drafts of resumable uploads name them.</summary>
internal static class UploadHeaders
{
    /// <summary>Where the next piece begins, in bytes.</summary>
    public const string Offset = "Upload-Offset";

    /// <summary>How long all of it will be, in bytes.</summary>
    public const string Length = "Upload-Length";
}

/// <summary>Answers <c>/uploads</c>.</summary>
/// <param name="Uploads">The uploads on the volume, the oldest first.</param>
internal sealed record UploadsAnswer(IReadOnlyList<UploadAnswer> Uploads);

/// <summary>An upload.</summary>
/// <param name="Id">Its id in <c>/uploads/{id}</c>.</param>
/// <param name="Image">The template that is to be.</param>
/// <param name="SizeBytes">How many bytes it will have.</param>
/// <param name="Offset">How many are durable; the next piece begins there.</param>
/// <param name="Sha256">The SHA-256 that the whole must have; null when none was asked for.</param>
/// <param name="Format">The format that must be found in it; null when any will do.</param>
/// <param name="Replace">Whether it takes the place of the template of that name.</param>
/// <param name="Created">When it was begun.</param>
/// <param name="Continued">When its last piece came.</param>
/// <param name="Expires">When it is forgotten unless a piece comes.</param>
internal sealed record UploadAnswer(
    string Id, string Image, long SizeBytes, long Offset, string? Sha256, ImageFormat? Format, bool Replace,
    DateTimeOffset Created, DateTimeOffset Continued, DateTimeOffset Expires)
{
    public static UploadAnswer Of(UploadStatus status, TimeSpan lifetime)
    {
        var upload = status.Upload;
        return new UploadAnswer(
            upload.Id.Text, upload.Image.Text, upload.Length, status.Offset, upload.Sha256, upload.Format, upload.Replace,
            upload.Created, status.Continued, status.Continued + lifetime);
    }
}
