using System.CommandLine;
using StorageHost.Cli.Connecting;
using StorageHost.Cli.Output;

namespace StorageHost.Cli;

/// <summary>What commands that change something have in common: a dry run, and the question before a deletion.</summary>
internal static class Change
{
    public static readonly Option<bool> DryRun = new("--dry-run")
    {
        Description = "show the request, and change nothing",
    };

    public static readonly Option<bool> Yes = new("--yes", "-y") { Description = "do not ask" };

    public static readonly Option<string> Key = new("--key")
    {
        Description = "the Idempotency-Key of the request; one that is used again has the outcome of the first",
        HelpName = "KEY",
    };

    /// <summary>The key of a request that makes something: the one given, or a new one.</summary>
    public static string KeyOf(Session session) => session[Key] ?? Guid.NewGuid().ToString("n");

    /// <summary>For a dry run: looks at what is named, and shows the request.</summary>
    /// <param name="session">The run.</param>
    /// <param name="request">What would be sent.</param>
    /// <param name="needs">Addresses that must answer.</param>
    /// <returns>Whether it is one, and so all is done.</returns>
    public static async Task<bool> IsDryAsync(Session session, ClientRequest request, params string[] needs)
    {
        if (!session[DryRun])
        {
            return false;
        }

        foreach (var need in needs)
        {
            await session.GetAsync(need);
        }

        Printer.Write($"would send: {request.Method} {request.Path}{(request.Body is null ? "" : " " + request.Body)}\n");
        return true;
    }

    /// <summary>Asks on a terminal whether something is to be deleted.</summary>
    /// <exception cref="ClientException">No; or there is nobody to ask.</exception>
    public static void Confirm(Session session, string question)
    {
        if (session[Yes])
        {
            return;
        }

        if (!Printer.IsAttended)
        {
            throw new ClientException(ClientExit.Usage, "there is no terminal to ask at; --yes deletes without a question");
        }

        Console.Error.Write($"{Column.Safe(question)} [y/N] ");
        if (Console.ReadLine()?.Trim() is not ("y" or "Y" or "yes"))
        {
            throw new ClientException(ClientExit.Cancelled, "nothing was deleted");
        }
    }
}
