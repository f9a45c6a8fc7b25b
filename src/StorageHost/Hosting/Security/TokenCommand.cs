using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace StorageHost.Hosting.Security;

/// <summary>
/// <c>storagehost token</c>: adds, lists and removes bearer tokens. A running daemon takes the change up by itself. The file is changed
/// in place, so that it stays its owner's, and is locked against being read meanwhile.
/// </summary>
internal static class TokenCommand
{
    public const string Word = "token";

    private const string Setting = $"{SecurityOptions.Section}:{nameof(SecurityOptions.TokensFile)}";

    private const string Help = """
        usage: storagehost token add NAME SCOPES   makes a token and shows it, this once; SCOPES: read,provision,destroy or some of them
               storagehost token list              names the tokens and their scopes
               storagehost token remove NAME
        Security:TokensFile says in which file the tokens are kept, hashed.
        """;

    /// <summary>Runs it, and gives the exit code.</summary>
    /// <param name="arguments">The command line after the word; settings may follow.</param>
    /// <param name="configuration">Says which file.</param>
    public static int Run(IEnumerable<string> arguments, IConfiguration configuration)
    {
        string[] words = [.. arguments.TakeWhile(argument => !argument.StartsWith('-'))];
        if (configuration[Setting] is not { Length: > 0 } path)
        {
            return ExitCodes.Configuration([$"{Setting}: is required: the file that holds the tokens"]);
        }

        try
        {
            using var file = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
            using var reader = new StreamReader(file, Encoding.UTF8, leaveOpen: true);
            var text = reader.ReadToEnd();
            var faults = new List<string>();
            var tokens = TokenList.Read(text, faults);
            return faults.Count > 0 ? ExitCodes.Configuration([.. faults.Select(fault => $"{Setting}: {fault}")])
                : words switch
                {
                    ["add", var name, var scopes] => Add(file, text, tokens, name, scopes),
                    ["list"] => List(tokens),
                    ["remove", var name] => Remove(file, text, tokens, name),
                    _ => ExitCodes.Usage(Help),
                };
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return ExitCodes.Configuration([$"{Setting}: {fault.Message}"]);
        }
    }

    private static int Add(FileStream file, string text, TokenList tokens, string name, string scopes)
    {
        var fault = Grant.ParseScopes(scopes, out var granted)
            ?? (!TokenList.IsName(name) ? "a token's name is 1 to 100 letters, digits, '.', '_' or '-', a letter or digit first"
                : tokens.Entries.Any(entry => entry.Grant.Name == name) ? $"there is a token named {name} already"
                : null);
        if (fault is not null)
        {
            return ExitCodes.Usage($"storagehost: {fault}");
        }

        var token = TokenList.Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        var before = text is "" or [.., '\n'] ? text : text + '\n';
        Write(file, $"{before}{new TokenEntry(new Grant(name, granted), TokenList.HashOf(token))}\n");
        Console.WriteLine(token);
        return ExitCodes.Ok;
    }

    private static int List(TokenList tokens)
    {
        foreach (var entry in tokens.Entries)
        {
            Console.WriteLine($"{entry.Grant.Name} {string.Join(',', entry.Grant.Scopes)}");
        }

        return ExitCodes.Ok;
    }

    private static int Remove(FileStream file, string text, TokenList tokens, string name)
    {
        if (!tokens.Entries.Any(entry => entry.Grant.Name == name))
        {
            return ExitCodes.Usage($"storagehost: there is no token named {name}");
        }

        Write(file, string.Join('\n', text.Split('\n').Where(line => !IsOf(line, name))));
        return ExitCodes.Ok;
    }

    private static bool IsOf(string line, string name) =>
        line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) is [not ['#', ..], .., var last] && last == name;

    private static void Write(FileStream file, string text)
    {
        file.Position = 0;
        file.Write(Encoding.UTF8.GetBytes(text));
        file.SetLength(file.Position);
    }
}
