using Microsoft.Extensions.Primitives;

namespace StorageHost.Hosting.Logging;

/// <summary>
/// The settings of the log in two parts: where it goes, which stays, and the rest, which follows the settings when they are taken up.
/// </summary>
internal sealed class LogSettings : ConfigurationProvider, IConfigurationSource
{
    private const string Section = "Serilog:";

    private readonly IConfiguration all;

    private LogSettings(IConfiguration all) => this.all = all;

    /// <summary>Where the log goes.</summary>
    public static IConfiguration Sinks(IConfiguration all) =>
        new ConfigurationBuilder().AddInMemoryCollection(all.AsEnumerable().Where(entry => IsOfSinks(entry.Key) || IsOfPrograms(entry.Key)))
            .Build();

    /// <summary>Levels and whatever else there is.</summary>
    public static IConfiguration Others(IConfiguration all)
    {
        var settings = new LogSettings(all);
        ChangeToken.OnChange(all.GetReloadToken, () =>
        {
            settings.Load();
            settings.OnReload();
        });
        return new ConfigurationBuilder().Add(settings).Build();
    }

    public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

    public override void Load() => Data = all.AsEnumerable()
        .Where(entry => entry.Key.StartsWith(Section, StringComparison.OrdinalIgnoreCase) && !IsOfSinks(entry.Key))
        .ToDictionary(entry => entry.Key, entry => entry.Value, StringComparer.OrdinalIgnoreCase);

    private static bool IsOfSinks(string key) => key.StartsWith($"{Section}WriteTo", StringComparison.OrdinalIgnoreCase);

    private static bool IsOfPrograms(string key) => key.StartsWith($"{Section}Using", StringComparison.OrdinalIgnoreCase);
}
