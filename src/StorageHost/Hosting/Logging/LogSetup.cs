using Serilog;

namespace StorageHost.Hosting.Logging;

/// <summary>Joins the log to a host.</summary>
internal static class LogSetup
{
    /// <summary>Has all parts log with Serilog, as the settings say, through a queue that nobody waits for.</summary>
    public static IServiceCollection AddLog(this IServiceCollection services, IConfiguration settings)
    {
        var sinks = new LoggerConfiguration().MinimumLevel.Verbose().ReadFrom.Configuration(LogSettings.Sinks(settings)).CreateLogger();
        var queue = new LogQueue(sinks);
        return services.AddSingleton(queue).AddSerilog(
            logger => logger.ReadFrom.Configuration(LogSettings.Others(settings)).WriteTo.Sink(queue), preserveStaticLogger: true);
    }
}
