using System.CommandLine;
using System.Text.Json;
using StorageHost.Cli.Connecting;
using StorageHost.Cli.Output;

namespace StorageHost.Cli;

/// <summary>One run of a command: what was asked, whom it speaks to, and where its output goes.</summary>
internal sealed class Session(ParseResult parsed, Servers servers, Printer printer, CancellationToken cancellationToken) : IDisposable
{
    public Servers Servers => servers;

    public Printer Printer => printer;

    public CancellationToken CancellationToken => cancellationToken;

    public static Session Of(ParseResult parsed, CancellationToken cancellationToken) => new(
        parsed, GlobalOptions.ServersOf(parsed), new Printer(GlobalOptions.FormatOf(parsed)), cancellationToken);

    /// <summary>The value of an argument.</summary>
    public string this[Argument<string> argument] => parsed.GetRequiredValue(argument);

    /// <summary>The value of an option; null when it is not there.</summary>
    public string? this[Option<string> option] => parsed.GetValue(option);

    /// <summary>Whether an option is there.</summary>
    public bool this[Option<bool> option] => parsed.GetValue(option);

    /// <summary>The number of an option; null when it is not there.</summary>
    public int? Number(Option<string> option, int least, int most) =>
        parsed.GetValue(option) is { } text ? GlobalOptions.Number(option.Name, text, least, most) : null;

    public Task<Answer> SendAsync(ClientRequest request) => servers.SendAsync(request, cancellationToken);

    public Task<Answer> GetAsync(string path) => SendAsync(ClientRequest.Get(path));

    /// <summary>Shows the list that an address answers.</summary>
    /// <param name="path">The address.</param>
    /// <param name="member">The member of the answer with the list.</param>
    /// <param name="columns">What is shown of each.</param>
    public async Task<int> ListAsync(string path, string member, IReadOnlyList<Column> columns)
    {
        var answer = await GetAsync(path);
        printer.Show(answer.Body, Rows(answer, member), columns);
        return ClientExit.Ok;
    }

    /// <summary>Shows the one thing that an address answers.</summary>
    public async Task<int> ShowAsync(string path, IReadOnlyList<Column> columns)
    {
        var answer = await GetAsync(path);
        printer.ShowOne(answer.Body, answer.Json, columns);
        return ClientExit.Ok;
    }

    /// <summary>Does something, and shows the answer as a table of one row.</summary>
    public async Task<int> DoAsync(ClientRequest request, IReadOnlyList<Column> columns)
    {
        var answer = await SendAsync(request);
        printer.Show(answer.Body, [answer.Json], columns);
        return ClientExit.Ok;
    }

    public static IReadOnlyList<JsonElement> Rows(Answer answer, string member) =>
        answer.Json.ValueKind == JsonValueKind.Object && answer.Json.TryGetProperty(member, out var list)
            && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray()]
            : throw new ClientException(ClientExit.Internal, $"the answer of {answer.From.Address} has no {member}");

    public void Dispose() => servers.Dispose();
}
