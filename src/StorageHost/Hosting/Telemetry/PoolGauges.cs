using System.Diagnostics.Metrics;
using StorageHost.Images;
using StorageHost.Images.Disks;
using StorageHost.Images.Pools;

namespace StorageHost.Hosting.Telemetry;

/// <summary>What the pools are like. Each series bears an image, and goes when the image has gone.</summary>
internal sealed class PoolGauges
{
    /// <summary>The instrument that has a series for each outcome of an image.</summary>
    public const string ClaimsName = "storagehost.claims";

    private readonly PoolTable pools;

    public PoolGauges(IMeterFactory meters, PoolTable pools)
    {
        this.pools = pools;
        var meter = meters.Create("StorageHost");
        meter.CreateObservableGauge(
            "storagehost.pool.wanted", () => Each(pool => pool.Wanted), "{copy}", "The level: how many ready copies a pool is to hold.");
        meter.CreateObservableGauge(
            "storagehost.pool.ready", () => Each(pool => pool.Total), "{copy}", "Copies that are ready on the volume.");
        meter.CreateObservableGauge(
            "storagehost.pool.copying", () => Each(pool => pool.Job?.CopiesAtOnce ?? 0), "{copy}", "Copies in the making.");
        meter.CreateObservableGauge(
            "storagehost.pool.waiting", () => Each(pool => pool.Waiting), "{caller}", "Callers who wait for a copy.");
        meter.CreateObservableCounter(
            "storagehost.copy.failures", () => Each(pool => pool.Failures), "{failure}", "How often copying has failed.");
        meter.CreateObservableCounter(ClaimsName, Claims, "{claim}", "What became of claims.");
    }

    private IEnumerable<Pool> Known => pools.All.Where(pool => pool.IsKnown);

    private IEnumerable<Measurement<long>> Each(Func<Pool, long> value) =>
        Known.Select(pool => new Measurement<long>(value(pool), Image(pool)));

    private IEnumerable<Measurement<long>> Claims() => Known.SelectMany(pool => Enum.GetValues<ClaimOutcome>()
        .Select(end => new Measurement<long>(pool.Claims(end), Image(pool), new("outcome", ImageMetrics.Ends[(int)end]))));

    private static KeyValuePair<string, object?> Image(Pool pool) => new("image", pool.Image.Text);
}
