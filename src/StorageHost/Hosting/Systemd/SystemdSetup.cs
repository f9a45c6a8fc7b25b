namespace StorageHost.Hosting.Systemd;

/// <summary>Joins systemd to a host. Where systemd did not start the daemon, nothing of it does anything.</summary>
internal static class SystemdSetup
{
    public static IServiceCollection AddSystemd(this IServiceCollection services) => services
        .AddSingleton(new ServiceManager(Environment.GetEnvironmentVariable(ServiceManager.Variable)))
        .AddHostedService<ServiceReport>()
        .AddSingleton<SelfProbe>()
        .AddHostedService(provider => new Watchdog(
            Watchdog.FindLimit(Environment.GetEnvironmentVariable),
            provider.GetRequiredService<ServiceManager>(),
            provider.GetRequiredService<SelfProbe>().AskAsync,
            provider.GetRequiredService<IHostApplicationLifetime>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<Watchdog>>()));
}
