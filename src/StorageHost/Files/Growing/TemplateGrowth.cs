using System.Collections.Concurrent;
using StorageHost.Files.Catalog;
using StorageHost.Files.Session;
using StorageHost.Images.Disks;
using StorageHost.Images.Names;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;

namespace StorageHost.Files.Growing;

/// <summary>
/// How copies of templates become larger. A copy is its template to the byte, so that the template is looked at once for each of its states
/// and each size, and no claim waits for that.
/// </summary>
internal sealed class TemplateGrowth(VolumeSessions volume, TemplateFile templates, IImageGrower grower)
{
    /// <summary>More sizes are read again each time.</summary>
    private const int MostKnown = 1000;

    /// <summary>Larger ones, of tables that move, are read again each time.</summary>
    private const int LargestKnown = 64 << 10;

    private readonly ConcurrentDictionary<(ImageName Image, int SizeGb), (Fingerprint Of, ImageGrowth Growth)> known = new();

    /// <summary>Refuses a size that disks of an image cannot have. Once it is known that they can, no storage is touched.</summary>
    /// <exception cref="Images.RefusedException">ImageNotFound; InvalidSize; ImageRejected; and what the storage says.</exception>
    public ValueTask CheckAsync(ImageName image, int sizeGb, CancellationToken cancellationToken) => known.ContainsKey((image, sizeGb))
        ? ValueTask.CompletedTask
        : new(volume.RunAsync(
            "look how large a disk can be",
            (VolumeSession session, StorageCall<bool> _) =>
            {
                Read(session, image, sizeGb);
                return true;
            },
            cancellationToken));

    /// <summary>How a copy of that state of a template becomes so large; null when the template has another state by now.</summary>
    /// <exception cref="Images.RefusedException">As for <see cref="CheckAsync"/>.</exception>
    public ImageGrowth? TryPlan(VolumeSession session, ImageName image, Fingerprint template, int sizeGb)
    {
        var planned = known.TryGetValue((image, sizeGb), out var before) && before.Of == template ? before : Read(session, image, sizeGb);
        return planned.Of == template ? planned.Growth : null;
    }

    private (Fingerprint Of, ImageGrowth Growth) Read(VolumeSession session, ImageName image, int sizeGb)
    {
        using var opened = templates.Open(session.Mount, image);
        var growth = grower.Plan(
            opened.Chain[0].Content, opened.Format, (long)sizeGb << 30, opened.Chain.Count > 1 ? opened.Chain[1].VirtualBytes : null);
        GrowthWriter.RefuseLonger(session.MountPoint, growth);
        var read = (opened.Template.Fingerprint, growth);
        if (known.Count >= MostKnown)
        {
            known.Clear();
        }

        if (growth.Steps.Sum(step => step.Writes.Sum(write => (long)write.Bytes.Length)) <= LargestKnown)
        {
            known[(image, sizeGb)] = read;
        }

        return read;
    }
}
