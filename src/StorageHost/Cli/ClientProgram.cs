using System.CommandLine;
using StorageHost.Cli.Completing;
using StorageHost.Cli.Output;

namespace StorageHost.Cli;

/// <summary>Finds what somebody meant by a mistyped word.</summary>
/// <param name="text">The word.</param>
/// <param name="candidates">What there is.</param>
internal delegate IReadOnlyList<string> FindNearest(string text, IEnumerable<string> candidates);

/// <summary>
/// The client in the daemon's program. It speaks HTTP only, and nothing of the daemon is started: not its host, nor its settings.
/// </summary>
internal static class ClientProgram
{
    /// <summary>Whether a command line is for the client: its first word is one of the client's.</summary>
    public static bool Understands(string[] arguments)
    {
        for (var index = 0; index < arguments.Length; index++)
        {
            var argument = arguments[index];
            if (!argument.StartsWith('-'))
            {
                return argument == Completer.Word || CommandTree.Words.Contains(argument, StringComparer.Ordinal);
            }

            var equals = argument.IndexOf('=', StringComparison.Ordinal);
            if (!GlobalOptions.Contain(equals < 0 ? argument : argument[..equals]))
            {
                return false;
            }

            index += equals < 0 ? 1 : 0;
        }

        return false;
    }

    /// <summary>Does what a command line says, and gives the exit code.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="nearest">Finds what was meant by a mistyped word.</param>
    public static async Task<int> RunAsync(string[] arguments, FindNearest nearest)
    {
        try
        {
            if (arguments[0] == Completer.Word)
            {
                return Completer.Run(arguments[1..]);
            }

            var parsed = CommandTree.Parse(arguments);
            if (Mistakes.Find(parsed, nearest) is { } mistake)
            {
                throw new ClientException(ClientExit.Usage, mistake);
            }

            return await parsed.InvokeAsync(
                new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (ClientException end)
        {
            if (end.Message.Length > 0)
            {
                Printer.Say(end.Message);
            }

            return end.Code;
        }
    }
}
