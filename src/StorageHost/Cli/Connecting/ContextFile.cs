using System.Text.Json;

namespace StorageHost.Cli.Connecting;

/// <summary>A named farm: where its servers are, and how to show who calls.</summary>
/// <param name="Name">Its name in the file.</param>
/// <param name="Servers">The addresses, the first tried first.</param>
/// <param name="Credentials">How the client shows who it is.</param>
internal sealed record FarmContext(string Name, IReadOnlyList<ServerAddress> Servers, Credentials Credentials);

/// <summary>The contexts of a user.</summary>
/// <param name="Current">The one that is used when none is named; null for the daemon of this machine.</param>
/// <param name="Contexts">All of them.</param>
internal sealed record ContextFile(string? Current, IReadOnlyList<FarmContext> Contexts)
{
    private static readonly ContextFile Empty = new(null, []);
    private static readonly JsonDocumentOptions Lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <summary>Where it lies: in XDG_CONFIG_HOME, or ~/.config; null for a user without a home.</summary>
    public static string? DefaultPath =>
        Environment.GetEnvironmentVariable("XDG_CONFIG_HOME") is ['/', ..] folder ? Path.Combine(folder, "storagehost/config.json")
        : Environment.GetEnvironmentVariable("HOME") is ['/', ..] home ? Path.Combine(home, ".config/storagehost/config.json")
        : null;

    /// <summary>Reads it; empty when there is none.</summary>
    public static ContextFile Read(string? path) =>
        path is not null && PrivateFile.ReadIfThere(path) is { } text ? Parse(path, text) : Empty;

    /// <summary>Reads its text. Paths in it are seen from the file's directory.</summary>
    public static ContextFile Parse(string path, string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text, Lenient);
            return Of(document.RootElement, Path.GetDirectoryName(path)!);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException or ClientException { Code: ClientExit.Usage })
        {
            throw new ClientException(ClientExit.Configuration, $"{path}: {fault.Message}");
        }
    }

    /// <summary>The context of this name, or the current one; null when neither is named.</summary>
    public FarmContext? Find(string? name)
    {
        if ((name ?? Current) is not { } wanted)
        {
            return null;
        }

        foreach (var context in Contexts)
        {
            if (context.Name == wanted)
            {
                return context;
            }
        }

        var known = Contexts.Count == 0 ? "there is none" : $"there is {string.Join(", ", Contexts.Select(each => each.Name))}";
        throw new ClientException(name is null ? ClientExit.Configuration : ClientExit.Usage, $"there is no context '{wanted}'; {known}");
    }

    private static ContextFile Of(JsonElement root, string folder)
    {
        string? current = null;
        var contexts = new List<FarmContext>();
        foreach (var member in root.EnumerateObject())
        {
            switch (member.Name)
            {
                case "current":
                    current = member.Value.GetString();
                    break;
                case "contexts":
                    contexts.AddRange(member.Value.EnumerateObject().Select(each => Context(each.Name, each.Value, folder)));
                    break;
                default:
                    throw new JsonException($"'{member.Name}' is unknown; there is current, contexts");
            }
        }

        return new ContextFile(current, contexts);
    }

    private static FarmContext Context(string name, JsonElement context, string folder)
    {
        string? servers = null, ca = null, certificate = null, key = null, token = null;
        foreach (var member in context.EnumerateObject())
        {
            switch (member.Name)
            {
                case "server":
                    servers = member.Value.ValueKind == JsonValueKind.Array
                        ? string.Join(',', member.Value.EnumerateArray().Select(each => each.GetString()))
                        : member.Value.GetString();
                    break;
                case "ca":
                    ca = Locate(member.Value, folder);
                    break;
                case "certificate":
                    certificate = Locate(member.Value, folder);
                    break;
                case "key":
                    key = Locate(member.Value, folder);
                    break;
                case "token_file":
                    token = Locate(member.Value, folder);
                    break;
                default:
                    throw new JsonException(
                        $"contexts.{name}.{member.Name} is unknown; there is server, ca, certificate, key, token_file");
            }
        }

        return new FarmContext(
            name, servers is null ? ServerAddress.Local : ServerAddress.ParseAll(servers), new Credentials(ca, certificate, key, token));
    }

    private static string? Locate(JsonElement path, string folder) => path.GetString() switch
    {
        null => null,
        ['~', '/', .. var rest] when Environment.GetEnvironmentVariable("HOME") is { } home => Path.Combine(home, rest),
        var relative => Path.Combine(folder, relative),
    };
}
