namespace StorageHost.ImageStorages;

/// <summary>Joins the image storage to a host; its ports are joined by the folders that implement them.</summary>
internal static class ImageStoragesSetup
{
    public static IServiceCollection AddImageStorages(this IServiceCollection services) => services
        .AddSingleton<VolumeHealth>()
        .AddSingleton<ImageLists>()
        .AddSingleton<ImageStorageService>()
        .AddHostedService<FactPoller>();

    /// <summary>Has facts polled.</summary>
    /// <param name="services">Where <typeparamref name="TPolled"/> is or will be.</param>
    /// <param name="log">Makes what says in the log how the poll goes.</param>
    public static IServiceCollection AddFacts<T, TPolled>(this IServiceCollection services, Func<ILogger<TPolled>, IPollLog> log)
        where T : class
        where TPolled : class, IPolled<T> => services
        .AddSingleton<TPolled>()
        .AddSingleton(provider => new PolledFacts<T>(
            provider.GetRequiredService<TPolled>(),
            log(provider.GetRequiredService<ILogger<TPolled>>()),
            provider.GetRequiredService<TimeProvider>()))
        .AddSingleton<IFacts<T>>(provider => provider.GetRequiredService<PolledFacts<T>>())
        .AddSingleton<IPoll>(provider => provider.GetRequiredService<PolledFacts<T>>());
}
