using System.Xml.Linq;
using StorageHost.Processes;

namespace StorageHost.Gluster;

/// <summary>Tells an answer of the CLI from a failure, and reads it.</summary>
internal static class GlusterAnswer
{
    private const int LongestReason = 300;

    /// <summary>The answer of a command with <c>--xml</c>, which may fail with exit code 0: only <c>opRet</c> tells.</summary>
    /// <exception cref="GlusterException">It failed, or the answer cannot be read.</exception>
    public static T Read<T>(string command, ProcessResult result, Func<XElement, T> parse)
    {
        RefuseWords(command, result);
        return Parsed(command, () =>
        {
            var answer = GlusterXml.Parse(result.Output);
            return answer.Text("opRet") is var code and not "0"
                ? throw Failure(command, answer.TextIfKnown("opErrstr") ?? $"opRet {code}")
                : parse(answer);
        });
    }

    /// <summary>The answer of a command that prints text whatever it is asked for.</summary>
    /// <exception cref="GlusterException">It failed, or the answer cannot be read.</exception>
    public static T ReadText<T>(string command, ProcessResult result, Func<string, T> parse)
    {
        RefuseWords(command, result);
        return result.ExitCode == 0 ? Parsed(command, () => parse(result.Output)) : throw Failure(command, FirstWords(result));
    }

    private static T Parsed<T>(string command, Func<T> parse)
    {
        try
        {
            return parse();
        }
        catch (FormatException exception)
        {
            throw new GlusterException(
                GlusterFault.Unreadable, $"'{command}' gave an answer that cannot be read: {exception.Message}", exception);
        }
    }

    /// <summary>What goes wrong before the daemon has answered is said in words, on either stream, with <c>--xml</c> or without.</summary>
    private static void RefuseWords(string command, ProcessResult result)
    {
        if (result.Truncated)
        {
            throw new GlusterException(GlusterFault.Unreadable, $"'{command}' answered more than {GlusterXml.MaxLength >> 20} MiB");
        }

        if (GlusterXml.Start(result.Output) >= 0)
        {
            return;
        }

        var words = FirstWords(result);
        if (words.StartsWith("Connection failed", StringComparison.Ordinal))
        {
            throw new GlusterException(GlusterFault.NotRunning, "the Gluster daemon (glusterd) does not run on this node");
        }

        if (result.ExitCode != 0)
        {
            throw Failure(command, words.Length > 0 ? words : $"exit code {result.ExitCode}");
        }
    }

    private static GlusterException Failure(string command, string reason)
    {
        var fault = Says("Another transaction is in progress") || Says("Locking failed") ? GlusterFault.Busy
            : Says("Request timed out") ? GlusterFault.Hung
            : GlusterFault.Failed;
        return new GlusterException(fault, $"'{command}' failed: {Printable(reason)}");

        bool Says(string part) => reason.Contains(part, StringComparison.OrdinalIgnoreCase);
    }

    private static string FirstWords(ProcessResult result)
    {
        var text = (string.IsNullOrWhiteSpace(result.Output) ? result.Error : result.Output).AsSpan().TrimStart();
        return text[..Math.Min(text.Length, LongestReason)].ToString();
    }

    private static string Printable(string reason) =>
        string.Concat(reason.Take(LongestReason).Select(c => char.IsControl(c) ? ' ' : c)).Trim();
}
