using System.CommandLine;
using System.Globalization;
using StorageHost.Cli.Connecting;
using StorageHost.Cli.Output;

namespace StorageHost.Cli;

/// <summary>The options that every command of the client takes, before or after its words.</summary>
internal static class GlobalOptions
{
    private const string ServerVariable = "STORAGEHOST_SERVER";

    private static readonly Option<string> Format = new("--output", "-o")
    {
        Description = "table, wide, json (the server's own) or csv", HelpName = "FORMAT", Recursive = true,
    };

    private static readonly Option<string> Server = Text(
        "--server", "ADDRESS",
        $"where the daemon is: http://node1:33833, https://…, unix:/path, several with commas; or {ServerVariable}");

    private static readonly Option<string> Context = Text("--context", "NAME", "the context of ~/.config/storagehost/config.json to use");
    private static readonly Option<string> TokenFile = Text("--token-file", "FILE", "the file with the bearer token");
    private static readonly Option<string> Ca = Text("--ca", "FILE", "the authorities that the server's certificate must come from");
    private static readonly Option<string> Certificate = Text("--certificate", "FILE", "the client's certificate");
    private static readonly Option<string> Key = Text("--certificate-key", "FILE", "its private key");
    private static readonly Option<string> Timeout = Text("--timeout", "SECONDS", "how long each server may take to answer");

    static GlobalOptions()
    {
        Format.CompletionSources.Add("table", "wide", "json", "csv");
        Context.CompletionSources.Add(_ => Names());
    }

    public static IReadOnlyList<Option> All { get; } = [Format, Server, Context, TokenFile, Ca, Certificate, Key, Timeout];

    /// <summary>Whether a word of the command line is one of them; each takes a value.</summary>
    public static bool Contain(string name)
    {
        foreach (var option in All)
        {
            if (option.Name == name || option.Aliases.Contains(name))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>How data is to be written.</summary>
    public static OutputFormat FormatOf(ParseResult parsed) => parsed.GetValue(Format) switch
    {
        null or "table" => OutputFormat.Table,
        "wide" => OutputFormat.Wide,
        "json" => OutputFormat.Json,
        "csv" => OutputFormat.Csv,
        var other => throw new ClientException(ClientExit.Usage, $"-o {other}: there is table, wide, json and csv"),
    };

    /// <summary>Whom to speak to.</summary>
    public static Servers ServersOf(ParseResult parsed)
    {
        var credentials = new Credentials(
            parsed.GetValue(Ca), parsed.GetValue(Certificate), parsed.GetValue(Key), parsed.GetValue(TokenFile));
        var target = Target.Find(
            parsed.GetValue(Server), parsed.GetValue(Context), Environment.GetEnvironmentVariable(ServerVariable), credentials,
            () => ContextFile.Read(ContextFile.DefaultPath));
        return new Servers(target, parsed.GetValue(Timeout) is { } text ? TimeSpan.FromSeconds(Number("--timeout", text, 1, 86400)) : null);
    }

    /// <summary>A whole number of the command line.</summary>
    public static int Number(string name, string text, int least, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new ClientException(ClientExit.Usage, $"{name} must be a whole number from {least} to {most}; it is '{text}'");

    private static Option<string> Text(string name, string value, string description) =>
        new(name) { Description = description, HelpName = value, Recursive = true };

    private static IEnumerable<System.CommandLine.Completions.CompletionItem> Names()
    {
        try
        {
            return [.. ContextFile.Read(ContextFile.DefaultPath).Contexts
                .Select(each => new System.CommandLine.Completions.CompletionItem(each.Name))];
        }
        catch (ClientException)
        {
            return [];
        }
    }
}
