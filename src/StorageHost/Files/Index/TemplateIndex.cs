using System.Collections.Concurrent;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Names;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;
using StorageHost.ImageStorages;

namespace StorageHost.Files.Index;

/// <summary>The templates of the index of the served directory, with what this daemon has done since.</summary>
internal sealed class TemplateIndex(
    IDirectorySource directories, VolumeSessions volume, FileNames names, ImageReader reader, TimeProvider time) : ITemplateIndex
{
    /// <summary>A look that ended so long after a change had begun after it, however many files there are.</summary>
    private static readonly TimeSpan Lasting = TimeSpan.FromMinutes(2);

    private readonly ConcurrentDictionary<ImageName, Change> changes = new();

    public IReadOnlyList<IndexedTemplate> List()
    {
        var facts = directories.Latest[0].Facts;
        var known = Known(facts).ToDictionary(template => template.Template.Image);
        foreach (var (image, change) in changes)
        {
            if (!Holds(change, known.GetValueOrDefault(image), facts.TakenAt))
            {
                changes.TryRemove(KeyValuePair.Create(image, change));
            }
            else if (change.Now is { } made)
            {
                known[image] = made;
            }
            else
            {
                known.Remove(image);
            }
        }

        var clones = Clones(facts);
        return [.. known.Values.OrderBy(template => template.Template.Image.Text, StringComparer.Ordinal)
            .Select(template => Of(template, clones))];
    }

    public async ValueTask<IndexedTemplate> FindAsync(ImageName image, CancellationToken cancellationToken)
    {
        var clones = Clones(directories.Latest[0].Facts);
        return List().FirstOrDefault(template => template.Details.Template.Image == image)
            ?? Of(
                await volume.RunAsync(
                    "read a template", (VolumeSession session, StorageCall<TemplateDetails> _) => Read(session, image), cancellationToken),
                clones);
    }

    public void Add(TemplateDetails made) => Note(made.Template.Image, made);

    public void Remove(ImageName image) => Note(image, null);

    private static IEnumerable<TemplateDetails> Known(Facts<DirectoryFacts> facts) => facts.Value?.Templates ?? [];

    private static Dictionary<string, int> Clones(Facts<DirectoryFacts> facts) =>
        (facts.Value?.Images ?? []).Where(image => image.Template is not null).CountBy(image => image.Template!, StringComparer.Ordinal)
            .ToDictionary(StringComparer.Ordinal);

    private static IndexedTemplate Of(TemplateDetails template, Dictionary<string, int> clones) =>
        new(template, clones.GetValueOrDefault(template.Template.Image.Text));

    /// <summary>Whether a change is newer than the index: that shows what it showed then, and no look has begun since.</summary>
    private static bool Holds(Change change, TemplateDetails? known, DateTimeOffset? takenAt) =>
        known?.Template.Fingerprint == change.Before && !(takenAt - change.At > Lasting);

    private void Note(ImageName image, TemplateDetails? now) =>
        changes[image] = new Change(
            now, Known(directories.Latest[0].Facts).FirstOrDefault(known => known.Template.Image == image)?.Template.Fingerprint,
            time.GetUtcNow());

    private TemplateDetails Read(VolumeSession session, ImageName image)
    {
        var name = names.Template(image).Text;
        return session.Mount.TryStat(name, out var stat) && stat.IsRegular
            && reader.Read(session.Mount, volume.Directory, name)?.Template is { } template
            ? template
            : throw new RefusedException(Refusal.ImageNotFound, $"there is no template {image}");
    }

    /// <param name="Now">The template as it is now; null when it was deleted.</param>
    /// <param name="Before">What the index knew then; null when it knew none.</param>
    /// <param name="At">When.</param>
    private sealed record Change(TemplateDetails? Now, Fingerprint? Before, DateTimeOffset At);
}
