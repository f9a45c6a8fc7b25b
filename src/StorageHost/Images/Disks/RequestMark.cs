using System.Globalization;
using StorageHost.Images.Names;

namespace StorageHost.Images.Disks;

/// <summary>
/// What a disk remembers of the request that it was made for, so that a caller who got no answer can send the request again. It travels
/// with the disk: there is no journal that could be lost or left behind, and every node knows it.
/// </summary>
/// <param name="Key">What the caller calls the request: the header <c>Idempotency-Key</c>.</param>
/// <param name="Request">What was asked for, in one line.</param>
/// <param name="Source">Where a system disk came from; null for a data disk.</param>
internal sealed record RequestMark(string Key, string Request, DiskSource? Source = null)
{
    /// <summary>The greatest length of a key.</summary>
    public const int MaxKeyLength = 200;

    /// <summary>The mark of a setimage; null without a key.</summary>
    /// <remarks>It covers all that was asked for: with another size it is another request.</remarks>
    public static RequestMark? OfSetImage(string? key, ImageName image, Hostname hostname, int? sizeGb) =>
        key is null
            ? null
            : new RequestMark(
                key,
                string.Create(
                    CultureInfo.InvariantCulture, $"setimage {image} {hostname}{(sizeGb is { } size ? $" size={size}" : "")}"));

    /// <summary>The mark of an addstorage; null without a key.</summary>
    public static RequestMark? OfAddStorage(string? key, Hostname hostname, int sizeGb) =>
        key is null
            ? null
            : new RequestMark(key, string.Create(CultureInfo.InvariantCulture, $"addstorage {hostname} {sizeGb}"));

    /// <summary>Whether a disk with that mark was made for this very request.</summary>
    public bool IsOf(RequestMark? made) => made is not null && made.Key == Key && made.Request == Request;
}
