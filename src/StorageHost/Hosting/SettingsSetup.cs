using Microsoft.Extensions.Configuration.Json;
using StorageHost.Files.Posix;

namespace StorageHost.Hosting;

/// <summary>Joins the settings to a host.</summary>
internal static class SettingsSetup
{
    private static readonly string Shipped = Path.Combine(AppContext.BaseDirectory, "appsettings.json");
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "conf.d");

    // The files are read when the daemon starts and when it is told to, never in between.
    private const string Unwatched = "--hostBuilder:reloadConfigOnChange=false";

    /// <summary>Begins a host with what the command line, the environment and the files beside the program say.</summary>
    /// <param name="settings">The settings of the command line.</param>
    /// <param name="fault">Which file is broken.</param>
    /// <returns>Null when one is.</returns>
    public static WebApplicationBuilder? CreateBuilder(IReadOnlyList<string> settings, out string fault)
    {
        fault = "";
        try
        {
            EnsureReadable(Shipped);
            var builder = WebApplication.CreateBuilder(
                new WebApplicationOptions { Args = [Unwatched, .. settings], ContentRootPath = AppContext.BaseDirectory });
            var sources = builder.Configuration.Sources;
            sources.Insert(sources.IndexOf(sources.Last(source => source is JsonConfigurationSource)) + 1, new SettingsFolder(Folder));
            return builder;
        }
        catch (InvalidDataException broken)
        {
            fault = Settings.Describe(broken);
            return null;
        }
    }

    /// <summary>The file may be missing, and a file in a directory that nobody lets us into seems to be.</summary>
    private static void EnsureReadable(string file)
    {
        if (FileUser.Ask(FileRights.Read, file) == Errno.Access)
        {
            throw new InvalidDataException(FileFault.Denied(file));
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
