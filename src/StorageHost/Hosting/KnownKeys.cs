namespace StorageHost.Hosting;

/// <summary>The keys that mean something to the daemon or to a library in it, and what somebody meant who wrote another one.</summary>
/// <param name="sections">The sections that are ours.</param>
internal sealed class KnownKeys(IReadOnlyList<Section> sections)
{
    /// <summary>Begins the settings of OpenTelemetry.</summary>
    private const string OpenTelemetry = "OTEL_";

    /// <summary>Sections of libraries, which check them themselves.</summary>
    private static readonly string[] Foreign = ["Kestrel", "Logging", "Serilog", "hostBuilder"];

    /// <summary>Keys without a section: of the web host and of JSON itself.</summary>
    private static readonly string[] Plain =
    [
        "Urls", "HTTP_PORTS", "HTTPS_PORTS", "AllowedHosts", "environment", "contentRoot", "webRoot", "applicationName", "detailedErrors",
        "captureStartupErrors", "shutdownTimeoutSeconds", "preferHostingUrls", "suppressStatusMessages", "startupAssembly",
        "hostingStartupAssemblies", "hostingStartupExcludeAssemblies", "preventHostingStartup", "$schema",
    ];

    private readonly string[] settings = [.. sections.SelectMany(section =>
        section.Settings.Select(setting => $"{section.Name}:{setting.Name}"))];
    private readonly string[] names = [.. sections.Select(section => section.Name)];

    /// <summary>Whether a key without a section is known.</summary>
    public static bool IsPlain(string key) =>
        Plain.Contains(key, StringComparer.OrdinalIgnoreCase) || key.StartsWith(OpenTelemetry, StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether a key stands in a section that is known; what is wrong in one of ours, its reader says.</summary>
    public bool HasSection(string key) =>
        ConfigurationPath.GetSectionKey(key) != key && names.Concat(Foreign).Contains(SectionOf(key), StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether a key is the name of one of our sections, letter by letter.</summary>
    public bool IsSection(string key) => names.Contains(key, StringComparer.Ordinal);

    /// <summary>The settings of ours that a key may stand for; a key without a section is compared with their last parts.</summary>
    public IReadOnlyList<string> SettingsNear(string key) => key.Contains(':', StringComparison.Ordinal)
        ? Nearest.To(string.Join(':', key.Split(':').Take(2)), settings)
        : [.. Nearest.To(key, Plain), .. Nearest.To(key, settings, ConfigurationPath.GetSectionKey)];

    /// <summary>Says of an unknown key what is right; to be read after it.</summary>
    public string Correct(string key) =>
        IsSection(key) ? $"is a section: its settings are {key}:<name>"
        : SettingsNear(key) is { Count: > 0 } meant ? $"there is no such setting; did you mean {string.Join(" or ", meant)}?"
        : !key.Contains(':', StringComparison.Ordinal) ? $"there is no such setting; the sections are {string.Join(", ", names)}"
        : Nearest.To(SectionOf(key), names.Concat(Foreign)) is { Count: > 0 } section
            ? $"there is no section {SectionOf(key)}; did you mean {string.Join(" or ", section)}?"
        : $"there is no section {SectionOf(key)}; there are {string.Join(", ", names)}";

    private static string SectionOf(string key) => key.Split(':')[0];
}
