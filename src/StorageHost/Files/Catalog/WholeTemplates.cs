using System.Collections.Concurrent;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Names;
using StorageHost.Images.Templates;

namespace StorageHost.Files.Catalog;

/// <summary>
/// Looks through templates whether they are whole: each state of each once, in slices, so that other calls get their turn.
/// </summary>
internal sealed class WholeTemplates(VolumeSessions volume, IImageInspector inspector, TimeProvider time)
{
    /// <summary>How long one storage call of a check may go on: other calls wait for its thread.</summary>
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(200);

    /// <summary>More templates than a volume has; those of before are then looked through once more.</summary>
    private const int MaxKnown = 10_000;

    private readonly ConcurrentDictionary<ImageName, (Fingerprint Of, string? Fault)> known = new();

    /// <summary>Refuses a template that is not whole, or of which a backing file is not.</summary>
    /// <exception cref="RefusedException">ImageRejected; JobConflict: it changed meanwhile.</exception>
    public async Task CheckAsync(OpenedTemplate opened, CancellationToken cancellationToken)
    {
        foreach (var file in opened.Chain)
        {
            if (await FindFaultAsync(file, cancellationToken) is { } fault)
            {
                throw TemplateFile.Rejected(opened.Template.Image, file.Template.Image, fault);
            }
        }
    }

    /// <summary>Looks through an image whose header has no fault.</summary>
    /// <returns>What is wrong, in words for the client; null when nothing was found.</returns>
    public async Task<string?> FindFaultAsync(IHeaderSource image, CancellationToken cancellationToken)
    {
        var check = await volume.RunAsync(
            "look through a template", (VolumeSession _, StorageCall<IWholeCheck?> _) => inspector.CheckWhole(image), cancellationToken);
        while (check is not null && !await volume.TransferAsync(
            "look through a template", (VolumeSession _, StorageCall<bool> call) => check.Advance(Until(call)), cancellationToken))
        {
            cancellationToken.ThrowIfCancellationRequested();
        }

        return check?.Fault;
    }

    private async Task<string?> FindFaultAsync(ChainedFile file, CancellationToken cancellationToken)
    {
        var (image, of) = (file.Template.Image, file.Template.Fingerprint);
        if (known.TryGetValue(image, out var before) && before.Of == of)
        {
            return before.Fault;
        }

        var fault = await FindFaultAsync(file.Content, cancellationToken);
        var now = await volume.RunAsync(
            "look at a template", (VolumeSession _, StorageCall<FileStat> _) => DirectoryHandle.Stat(file.Handle, image.Text),
            cancellationToken);
        if (now.Fingerprint != of)
        {
            throw new RefusedException(Refusal.JobConflict, $"the template {image} changed while it was looked through");
        }

        if (known.Count >= MaxKnown)
        {
            known.Clear();
        }

        known[image] = (of, fault);
        return fault;
    }

    private Func<bool> Until(StorageCall<bool> call)
    {
        var started = time.GetTimestamp();
        return () => call.IsAbandoned || time.GetElapsedTime(started) > Slice;
    }
}
