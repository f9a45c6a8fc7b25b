using System.Diagnostics.Metrics;
using System.Text.Json;

namespace StorageHost.Gluster;

/// <summary>
/// Counts the questions that the gluster CLI did not answer. It may fail with exit code 0, so that the runs alone do not tell.
/// </summary>
internal sealed class GlusterMetrics
{
    private static readonly GlusterFault[] Faults = Enum.GetValues<GlusterFault>();

    private readonly long[] failures = new long[Faults.Length];

    public GlusterMetrics(IMeterFactory meters) => meters.Create("StorageHost").CreateObservableCounter(
        "storagehost.gluster.failures",
        () => Faults.Select(fault => new Measurement<long>(Interlocked.Read(ref failures[(int)fault]), Label(fault))),
        "{question}",
        "Questions that the gluster CLI did not answer, and why.");

    public void Failed(GlusterFault fault) => Interlocked.Increment(ref failures[(int)fault]);

    private static KeyValuePair<string, object?> Label(GlusterFault fault) =>
        new("fault", JsonNamingPolicy.SnakeCaseLower.ConvertName(fault.ToString()));
}
