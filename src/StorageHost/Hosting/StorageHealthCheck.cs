using Microsoft.Extensions.Diagnostics.HealthChecks;
using StorageHost.Images;

namespace StorageHost.Hosting;

/// <summary>Ready means that the directory was read, and answers now.</summary>
internal sealed class StorageHealthCheck(IVolume volume, PoolScanner scanner, PoolReconciler reconciler) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await volume.ReadSpaceAsync(cancellationToken);
            return reconciler.Problem is { } problem ? HealthCheckResult.Unhealthy(problem)
                : scanner.HasScanned ? HealthCheckResult.Healthy()
                : HealthCheckResult.Unhealthy("the storage directory was not read yet");
        }
        catch (RefusedException refusal)
        {
            return HealthCheckResult.Unhealthy(refusal.Message);
        }
    }
}
