using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using StorageHost.Images;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;
using StorageHost.Images.Templates;

namespace StorageHost.Files.Catalog;

/// <summary>
/// Knows how long a template still has to be left alone. Whoever is writing one says so only by its modification time; a raw file that
/// is still being copied looks whole.
/// </summary>
internal sealed class TemplateAge(IOptions<PoolOptions> options, TimeProvider time)
{
    /// <summary>More templates than a volume has; those of before then have to settle once more.</summary>
    private const int MaxWatched = 10_000;

    private readonly PoolOptions options = options.Value;
    private readonly ConcurrentDictionary<ImageName, (Fingerprint State, long SeenAt)> watched = new();

    /// <summary>Refuses a template that was written to just now, or of which a backing file was.</summary>
    /// <exception cref="RefusedException">JobConflict, with when it will have settled.</exception>
    public void RefuseUnsettled(OpenedTemplate opened)
    {
        if (Unsettled(opened) is { } rest)
        {
            throw new RefusedException(
                Refusal.JobConflict,
                $"the template {opened.Template.Image} may still be being written: "
                    + $"its last write is less than {options.SettleTime.TotalSeconds:0.###} s old")
            {
                RetryAfter = rest,
            };
        }
    }

    /// <summary>How long a template and its backing files have to be left alone still; null when they were for long enough.</summary>
    public TimeSpan? Unsettled(OpenedTemplate opened) =>
        opened.Chain.Select(Rest).Max() is { } rest && rest > TimeSpan.Zero ? rest : null;

    // What has a record was whole when it got its name, and nobody has written to it since.
    private TimeSpan? Rest(ChainedFile file) => file.Record is null ? Rest(file.Template) : TimeSpan.Zero;

    private TimeSpan? Rest(Template template)
    {
        var age = time.GetUtcNow() - DateTimeOffset.UnixEpoch - TimeSpan.FromMicroseconds(template.Fingerprint.ModifiedNs / 1000);
        return age >= TimeSpan.Zero ? options.SettleTime - age : options.SettleTime - Watched(template);
    }

    /// <summary>
    /// For how long this daemon has seen no change: of a time to come, which another node's clock may give, nothing else is known.
    /// </summary>
    private TimeSpan Watched(Template template)
    {
        var (image, state) = (template.Image, template.Fingerprint);
        if (watched.TryGetValue(image, out var seen) && seen.State == state)
        {
            return time.GetElapsedTime(seen.SeenAt);
        }

        if (watched.Count >= MaxWatched)
        {
            watched.Clear();
        }

        watched[image] = (state, time.GetTimestamp());
        return TimeSpan.Zero;
    }
}
