using System.Text.Json;
using FluentValidation;
using Microsoft.Extensions.Options;
using StorageHost.Api.Errors;
using StorageHost.Gluster;
using StorageHost.Hosting.Security;
using StorageHost.Hosting.Telemetry;
using StorageHost.Qemu;

namespace StorageHost.Hosting;

/// <summary>
/// All settings, read and checked at once. Files are not watched: what changes in them is taken up when the daemon is told to, and only
/// when all of it is without faults.
/// </summary>
internal sealed class Settings
{
    private readonly IReadOnlyList<IConfigurationSource> sources;
    private readonly SortedDictionary<string, string> values;

    /// <summary>Reads them.</summary>
    /// <param name="sources">Files, environment, command line: what comes later counts.</param>
    /// <exception cref="InvalidDataException">A file is not JSON, or cannot be read; see <see cref="Describe"/>.</exception>
    public Settings(IEnumerable<IConfigurationSource> sources)
    {
        this.sources = [.. sources];
        Configuration = Build(this.sources);
        values = new(
            Configuration.AsEnumerable().Where(entry => entry.Value is not null)
                .ToDictionary(entry => entry.Key, entry => entry.Value!, StringComparer.OrdinalIgnoreCase),
            StringComparer.OrdinalIgnoreCase);
        var reader = new SectionReader(Configuration);
        Sections =
        [
            Read("Storage", new StorageRules()),
            Read("Pool", new PoolRules()),
            Read("Disks", new DisksRules()),
            Read("Import", new ImportRules()),
            Read("Templates", new TemplatesRules()),
            Read(QemuOptions.Section, new QemuRules()),
            Read(GlusterOptions.Section, new GlusterRules()),
            Read(SecurityOptions.Section, new SecurityRules()),
        ];
        var security = Sections.Select(section => section.Options).OfType<SecurityOptions>().Single();
        SecurityFiles = new SecurityFiles(security);
        Faults =
        [
            .. new UnknownKeys(new KnownKeys(Sections)).FindFaults(Configuration), .. reader.Faults, .. LogLevels.FindFaults(Configuration),
            .. ListenAddress.FindFaults(Configuration, security), .. Otlp.FindFaults(Configuration), .. SecurityFiles.Open(),
        ];

        Section Read<T>(string name, IValidator<T> rules)
            where T : class, new()
        {
            var options = reader.Read(name, rules);
            return new Section(name, options, services => services.AddSingleton(Options.Create(options)));
        }
    }

    /// <summary>What was read, with its own copy of the files: Serilog follows it.</summary>
    public IConfigurationRoot Configuration { get; }

    /// <summary>The sections that are ours.</summary>
    public IReadOnlyList<Section> Sections { get; }

    /// <summary>What the files of the section <c>Security</c> say.</summary>
    public SecurityFiles SecurityFiles { get; }

    /// <summary>What is wrong, one line each, with the key first.</summary>
    public IReadOnlyList<string> Faults { get; }

    /// <summary>
    /// Every setting in force, as the command line would take it, without the two dashes. None of them is a secret: those stand in files.
    /// </summary>
    public IEnumerable<string> Lines =>
    [
        .. ListenAddress.All(Configuration).Select(address => address.Key).Distinct(StringComparer.OrdinalIgnoreCase)
            .Select(key => $"{key}={Configuration[key]}"),
        .. Sections.SelectMany(section => section.Lines),
        .. values.Where(value => LogLevels.Contain(value.Key)).Select(value => $"{value.Key}={value.Value}"),
    ];

    /// <summary>What a file that is not JSON, or cannot be read, is told as.</summary>
    public static string Describe(InvalidDataException fault) => fault.GetBaseException() switch
    {
        JsonException cause when JsonFault.Of(cause) is var (reason, place) => $"{fault.Message.TrimEnd('.')}: {place}: {reason}",
        FormatException cause => $"{fault.Message.TrimEnd('.')}: {cause.Message}",
        _ => fault.Message,
    };

    /// <summary>Reads everything once more, from the same places, for <see cref="TakeUp"/>.</summary>
    public Settings ReadAgain() => new(sources);

    /// <summary>Takes over what newer settings say, which have no faults, where it may change while the daemon runs.</summary>
    /// <returns>The keys that changed, each with whether it was taken up. What was not is told the next time too.</returns>
    public IReadOnlyList<(string Key, bool IsTakenUp)> TakeUp(Settings newer)
    {
        var changes = values.Keys.Union(newer.values.Keys, StringComparer.OrdinalIgnoreCase)
            .Where(key => values.GetValueOrDefault(key) != newer.values.GetValueOrDefault(key))
            .Select(key => (Key: key, IsTakenUp: CanChange(key, newer))).ToList();
        foreach (var (key, _) in changes.Where(change => change.IsTakenUp))
        {
            values.Remove(key);
            if (newer.values.TryGetValue(key, out var value))
            {
                values[key] = value;
            }
        }

        foreach (var (section, newest) in Sections.Zip(newer.Sections))
        {
            section.TakeUp(newest);
        }

        Configuration.Reload();
        return changes;
    }

    /// <summary>Serilog follows the levels that it was given at the start.</summary>
    private bool CanChange(string key, Settings newer) => LogLevels.Contain(key)
        ? values.ContainsKey(key) && newer.values.ContainsKey(key)
        : Sections.Any(section => section.CanChange(key));

    private static IConfigurationRoot Build(IEnumerable<IConfigurationSource> sources)
    {
        var builder = new ConfigurationBuilder();
        foreach (var source in sources)
        {
            builder.Add(source);
        }

        return builder.Build();
    }
}
