using StorageHost.ImageStorages;

namespace StorageHost.Gluster;

/// <summary>Joins the gluster CLI to a host.</summary>
internal static class GlusterSetup
{
    public static IServiceCollection AddGluster(this IServiceCollection services) => services
        .AddSingleton<GlusterMetrics>()
        .AddSingleton<GlusterCli>()
        .AddSingleton<HealSurvey>()
        .AddFacts<GlusterCluster, GlusterSurvey>(log => new GlusterPollLog(log));
}
