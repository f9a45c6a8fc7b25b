using System.Diagnostics;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;

namespace StorageHost.Images;

/// <summary>The spans of claims and copies. They are null, and cost nothing, unless traces are exported.</summary>
internal static class Spans
{
    private static readonly ActivitySource Source = new("StorageHost.Images");

    /// <summary>A request for a disk.</summary>
    public static Activity? OfClaim(ImageName image, Hostname hostname) =>
        Source.StartActivity("claim")?.SetTag("storagehost.image", image.Text).SetTag("storagehost.hostname", hostname.Text);

    /// <summary>
    /// A copying: part of the trace of the caller who has waited longest, and linked to the others who wait. What fills a pool has a trace
    /// of its own.
    /// </summary>
    public static Activity? OfCopy(Pool pool, int copies)
    {
        if (!Source.HasListeners())
        {
            return null;
        }

        var waiting = pool.WaitingTraces;
        return Source.StartActivity(
            "copy", ActivityKind.Internal, waiting is [var longest, ..] ? longest : default,
            links: waiting.Skip(1).Select(trace => new ActivityLink(trace)))
            ?.SetTag("storagehost.image", pool.Image.Text).SetTag("storagehost.copies", copies);
    }

    /// <summary>Says how a piece of work ended; <paramref name="fault"/> is null when it was done.</summary>
    public static void End(this Activity? span, string outcome, Exception? fault)
    {
        span?.SetTag("storagehost.outcome", outcome);
        if (fault is not null)
        {
            span?.SetStatus(ActivityStatusCode.Error, fault.Message);
        }
    }
}
