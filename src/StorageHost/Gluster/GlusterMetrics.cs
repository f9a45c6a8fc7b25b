using System.Diagnostics.Metrics;
using System.Text.Json;

namespace StorageHost.Gluster;

/// <summary>Counts the questions that the gluster CLI did not answer. It may fail with exit code 0, so that the runs alone do not tell.</summary>
internal sealed class GlusterMetrics
{
    private readonly Counter<long> failures;

    public GlusterMetrics(IMeterFactory meters)
    {
        failures = meters.Create("StorageHost").CreateCounter<long>("storagehost.gluster.failures", "{question}", "Questions that the gluster CLI did not answer, and why.");
        foreach (var fault in Enum.GetValues<GlusterFault>())
        {
            failures.Add(0, Label(fault));
        }
    }

    public void Failed(GlusterFault fault) => failures.Add(1, Label(fault));

    private static KeyValuePair<string, object?> Label(GlusterFault fault) => new("fault", JsonNamingPolicy.SnakeCaseLower.ConvertName(fault.ToString()));
}
