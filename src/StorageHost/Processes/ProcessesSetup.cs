namespace StorageHost.Processes;

/// <summary>Joins the running of programs to a host.</summary>
internal static class ProcessesSetup
{
    public static IServiceCollection AddProcesses(this IServiceCollection services) => services
        .AddSingleton<ProcessMetrics>()
        .AddSingleton<ToolHost>()
        .AddSingleton<ProcessRunner>();
}
