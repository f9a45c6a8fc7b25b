using System.Globalization;
using StorageHost.Images.Names;

namespace StorageHost.Images.Templates;

/// <summary>The id of an upload, as it stands in <c>/uploads/{id}</c>: 32 hexadecimal digits.</summary>
internal readonly record struct UploadId
{
    private UploadId(string text) => Text = text;

    public string Text { get; }

    /// <summary>One that was never used.</summary>
    public static UploadId New() => new(Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture));

    /// <summary>Reads an id; false when it is none.</summary>
    public static bool TryParse(string text, out UploadId id)
    {
        var isOne = Guid.TryParseExact(text, "N", out var parsed);
        id = isOne ? new UploadId(parsed.ToString("N", CultureInfo.InvariantCulture)) : default;
        return isOne;
    }

    public override string ToString() => Text;
}

/// <summary>A template that is sent in pieces, to any daemon on the volume.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Image">The template's name.</param>
/// <param name="Length">How many bytes it will have.</param>
/// <param name="Sha256">The SHA-256 that the whole must have, in lower-case hexadecimal digits; null when none was asked for.</param>
/// <param name="Format">The format that must be found in it; null when any will do.</param>
/// <param name="Replace">Whether it takes the place of the template of that name, if there is one.</param>
/// <param name="Created">When it was begun.</param>
internal sealed record Upload(
    UploadId Id, ImageName Image, long Length, string? Sha256, ImageFormat? Format, bool Replace, DateTimeOffset Created);

/// <summary>An upload at one moment.</summary>
/// <param name="Upload">Which.</param>
/// <param name="Offset">How many bytes of it are durable: the next piece begins there.</param>
/// <param name="Continued">When the last piece came.</param>
internal sealed record UploadStatus(Upload Upload, long Offset, DateTimeOffset Continued);
