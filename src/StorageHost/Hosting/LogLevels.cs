using Serilog.Events;

namespace StorageHost.Hosting;

/// <summary>The levels of the log in the configuration, of which Serilog would pass over a wrong one in silence.</summary>
internal static class LogLevels
{
    private const string Section = "Serilog:MinimumLevel";

    private static readonly string[] Names = Enum.GetNames<LogEventLevel>();

    /// <summary>Whether a key is that of a level.</summary>
    public static bool Contain(string key) => key.StartsWith(Section, StringComparison.OrdinalIgnoreCase);

    /// <summary>Says which of them are none.</summary>
    public static IEnumerable<string> FindFaults(IConfiguration configuration) => configuration.GetSection(Section).AsEnumerable()
        .Where(entry => entry.Value is not null && !Names.Contains(entry.Value, StringComparer.OrdinalIgnoreCase))
        .Select(entry => $"{entry.Key}: '{entry.Value}' is not one of {string.Join(", ", Names)}");
}
