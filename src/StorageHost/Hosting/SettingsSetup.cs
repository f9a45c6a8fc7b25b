namespace StorageHost.Hosting;

/// <summary>Joins the settings to a host.</summary>
internal static class SettingsSetup
{
    /// <summary>Begins a host with what the command line, the environment and the files beside the program say.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="fault">Which file is broken.</param>
    /// <returns>Null when one is.</returns>
    public static WebApplicationBuilder? CreateBuilder(string[] arguments, out string fault)
    {
        fault = "";
        try
        {
            return WebApplication.CreateBuilder(new WebApplicationOptions { Args = CommandLine.Rest(arguments), ContentRootPath = AppContext.BaseDirectory });
        }
        catch (InvalidDataException broken)
        {
            fault = Settings.Describe(broken);
            return null;
        }
    }

    /// <summary>Reads them; the daemon must not start with those that have faults.</summary>
    public static Settings AddSettings(this WebApplicationBuilder builder)
    {
        var settings = new Settings(builder.Configuration.Sources);
        foreach (var section in settings.Sections)
        {
            section.AddTo(builder.Services);
        }

        builder.Services.AddSingleton(settings).AddSingleton(settings.SecurityFiles).AddHostedService<Reload>();
        return settings;
    }
}
