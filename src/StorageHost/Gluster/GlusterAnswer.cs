using System.Xml.Linq;
using StorageHost.Processes;

namespace StorageHost.Gluster;

/// <summary>Tells an answer of the CLI from a failure.</summary>
internal static class GlusterAnswer
{
    private const int LongestReason = 300;

    /// <summary>The answer of a command with <c>--xml</c>, which may fail with exit code 0: only <c>opRet</c> tells.</summary>
    /// <exception cref="GlusterException">It failed, or the answer cannot be read.</exception>
    public static XElement Read(string command, ProcessResult result)
    {
        RefuseWords(command, result);
        var answer = GlusterXml.Parse(result.Output);
        if (answer.Element("opRet")?.Value == "0")
        {
            return answer;
        }

        var code = answer.Text("opRet");
        throw Failure(command, answer.Element("opErrstr")?.Value is { Length: > 0 } reason ? reason : $"opRet {code}");
    }

    /// <summary>The answer of a command that prints text whatever it is asked for.</summary>
    /// <exception cref="GlusterException">It failed.</exception>
    public static string ReadText(string command, ProcessResult result)
    {
        RefuseWords(command, result);
        return result.ExitCode == 0 ? result.Output : throw Failure(command, FirstWords(result));
    }

    /// <summary>What goes wrong before the daemon has answered is said in words, on either stream, with <c>--xml</c> or without.</summary>
    private static void RefuseWords(string command, ProcessResult result)
    {
        if (result.Truncated)
        {
            throw new GlusterException(GlusterFault.Failed, $"'{command}' answered more than {GlusterXml.MaxLength >> 20} MiB");
        }

        var words = FirstWords(result);
        if (words.StartsWith("Connection failed", StringComparison.Ordinal))
        {
            throw new GlusterException(GlusterFault.NotRunning, "the Gluster daemon (glusterd) does not run on this node");
        }

        if (result.ExitCode != 0 && !words.StartsWith("<?xml", StringComparison.Ordinal))
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
