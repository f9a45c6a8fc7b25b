using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace StorageHost.Hosting.Security;

/// <summary>
/// <c>storagehost token</c>: adds, lists and removes bearer tokens. A running daemon takes the change up by itself. The file is changed
/// in place, so that it stays its owner's, and is locked against being read meanwhile. Each gives the exit code.
/// </summary>
internal static class TokenCommand
{
    private const string Setting = $"{SecurityOptions.Section}:{nameof(SecurityOptions.TokensFile)}";

    /// <summary>Makes a token and shows it; the only command that makes the file.</summary>
    public static int Add(IConfigurationRoot configuration, string name, string scopes)
    {
        var fault = Grant.ParseScopes(scopes, out var granted)
            ?? (TokenList.IsName(name) ? null : "a token's name is 1 to 100 letters, digits, '.', '_' or '-', a letter or digit first");
        return fault is not null
            ? ExitCodes.Usage($"storagehost: {fault}")
            : Run(configuration, FileMode.OpenOrCreate, FileAccess.ReadWrite, (file, text, tokens) =>
            {
                if (Has(tokens, name))
                {
                    return ExitCodes.Usage($"storagehost: there is a token named {name} already");
                }

                var token = TokenList.Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
                var before = text is "" or [.., '\n'] ? text : text + '\n';
                Write(file, $"{before}{new TokenEntry(new Grant(name, granted), TokenList.HashOf(token))}\n");
                Console.WriteLine(token);
                return ExitCodes.Ok;
            });
    }

    /// <summary>Names the tokens and their scopes.</summary>
    public static int List(IConfigurationRoot configuration) => Run(configuration, FileMode.Open, FileAccess.Read, (_, _, tokens) =>
    {
        foreach (var entry in tokens.Entries)
        {
            Console.WriteLine($"{entry.Grant.Name} {string.Join(',', entry.Grant.Scopes)}");
        }

        return ExitCodes.Ok;
    });

    /// <summary>Takes a token away.</summary>
    public static int Remove(IConfigurationRoot configuration, string name) =>
        Run(configuration, FileMode.Open, FileAccess.ReadWrite, (file, text, tokens) =>
        {
            if (!Has(tokens, name))
            {
                return ExitCodes.Usage($"storagehost: there is no token named {name}");
            }

            Write(file, string.Join('\n', text.Split('\n').Where(line => !IsOf(line, name))));
            return ExitCodes.Ok;
        });

    private static int Run(IConfigurationRoot configuration, FileMode mode, FileAccess access, Func<FileStream, string, TokenList, int> act)
    {
        string[] unknown = [.. new UnknownKeys(new KnownKeys(new Settings([]).Sections)).FindFaults(configuration)];
        if (unknown.Length > 0)
        {
            return ExitCodes.Configuration(unknown);
        }

        var path = configuration[Setting] ?? "";
        var fault = path.Length == 0
            ? "is required: the file that holds the tokens"
            : path.StartsWith('/') ? null
            : "must be an absolute path";
        if (fault is not null)
        {
            return ExitCodes.Configuration([$"{Setting}: {fault}"]);
        }

        try
        {
            using var file = new FileStream(path, new FileStreamOptions
            {
                Mode = mode,
                Access = access,
                Share = access == FileAccess.Read ? FileShare.Read : FileShare.None,
                UnixCreateMode = mode == FileMode.Open ? null : UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
            using var reader = new StreamReader(file, Encoding.UTF8, leaveOpen: true);
            var text = reader.ReadToEnd();
            var faults = new List<string>();
            var tokens = TokenList.Read(text, faults);
            return faults.Count > 0
                ? ExitCodes.Configuration([.. faults.Select(each => $"{Setting}: {path}: {each}")])
                : act(file, text, tokens);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return ExitCodes.Configuration([$"{Setting}: {FileFault.Of(path, failure)}"]);
        }
    }

    private static bool Has(TokenList tokens, string name) => tokens.Entries.Any(entry => entry.Grant.Name == name);

    private static bool IsOf(string line, string name) =>
        line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) is [not ['#', ..], .., var last] && last == name;

    private static void Write(FileStream file, string text)
    {
        file.Position = 0;
        file.Write(Encoding.UTF8.GetBytes(text));
        file.SetLength(file.Position);
    }
}
