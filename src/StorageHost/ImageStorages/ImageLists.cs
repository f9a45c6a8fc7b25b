using System.Runtime.CompilerServices;

namespace StorageHost.ImageStorages;

/// <summary>
/// The images and clones of a directory as they are answered. Made once for each state of the index, not for each request.
/// </summary>
internal sealed class ImageLists
{
    private readonly ConditionalWeakTable<IReadOnlyList<IndexedImage>, Lists> made = [];

    public Lists Of(IReadOnlyList<IndexedImage> index, string volumeId, string imageStorageId) =>
        made.GetValue(index, images => new Lists(
            [.. images.Select(image => new ImageInfo(volumeId, image.ImageId, image.GuestId, imageStorageId, ToMb(image.VirtualBytes)))],
            [.. images.Where(image => image.Template is not null)
                .Select(image => new CloneInfo(image.ImageId, image.Template!, image.GuestId))]));

    private static long ToMb(long bytes) => (bytes >> 20) + ((bytes & 0xfffff) > 0 ? 1 : 0);

    /// <summary>Both lists.</summary>
    internal sealed record Lists(IReadOnlyList<ImageInfo> Images, IReadOnlyList<CloneInfo> Clones);
}
