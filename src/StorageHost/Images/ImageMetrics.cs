using System.Diagnostics.Metrics;
using StorageHost.Images.Disks;
using StorageHost.Images.Pools;

namespace StorageHost.Images;

/// <summary>
/// What is measured of claims and copies. What is counted for each image is counted in its <see cref="Pool"/>, and goes with it.
/// </summary>
internal sealed class ImageMetrics
{
    private const string Outcome = "outcome";

    private readonly Histogram<double> claims;
    private readonly Histogram<double> copies;
    private long made;
    private long written;
    private long repeated;

    public ImageMetrics(IMeterFactory meters)
    {
        var meter = meters.Create("StorageHost");
        claims = meter.CreateHistogram(
            "storagehost.claim.duration", "s", "Time from a request for a disk to its outcome.", tags: null,
            new InstrumentAdvice<double>
            {
                HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30, 120, 600],
            });
        copies = meter.CreateHistogram(
            "storagehost.copy.duration", "s", "Time that one reading of a template and the writing of its copies took.", tags: null,
            new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600] });

        // Asked for, not told: a counter that is not there until it counts hides its first step from whoever looks at the difference.
        meter.CreateObservableCounter("storagehost.copies.made", () => Interlocked.Read(ref made), "{copy}", "Copies that were made.");
        meter.CreateObservableCounter(
            "storagehost.copy.written", () => Interlocked.Read(ref written), "By",
            "Bytes that copying has written; holes and shared blocks cost none.");
        meter.CreateObservableCounter(
            "storagehost.deletions.repeated", () => Interlocked.Read(ref repeated), "{file}",
            "Files that were deleted again, since the storage had brought them back.");
    }

    /// <summary>The words that stand for how claims end.</summary>
    public static IReadOnlyList<string> Ends { get; } = [.. Enum.GetNames<ClaimOutcome>().Select(name => name.ToLowerInvariant())];

    /// <summary>A request for a disk is over.</summary>
    public void Claimed(ClaimOutcome end, TimeSpan took) =>
        claims.Record(took.TotalSeconds, new KeyValuePair<string, object?>(Outcome, Ends[(int)end]));

    /// <summary>A copying has ended with that many copies.</summary>
    public void Copied(int count, TimeSpan took)
    {
        copies.Record(took.TotalSeconds, new KeyValuePair<string, object?>(Outcome, "made"));
        Interlocked.Add(ref made, count);
    }

    /// <summary>A copying has ended without copies: it failed, or was stopped since nobody needed them any more.</summary>
    public void NotCopied(bool stopped, TimeSpan took) =>
        copies.Record(took.TotalSeconds, new KeyValuePair<string, object?>(Outcome, stopped ? "stopped" : "failed"));

    /// <summary>What had been deleted was there again, and was deleted again.</summary>
    public void DeletedAgain() => Interlocked.Increment(ref repeated);

    /// <summary>Copying has written so much.</summary>
    public void Wrote(long bytes) => Interlocked.Add(ref written, bytes);
}
