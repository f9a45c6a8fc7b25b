using StorageHost.ImageStorages;
using StorageHost.Processes;

namespace StorageHost.BlockDevices;

/// <summary>Runs lsblk. It is for one caller who asks one thing at a time.</summary>
internal sealed class Lsblk(ProcessRunner runner, string program = "lsblk")
{
    private const int OutputBytes = 8 << 20;
    private const string UnknownColumn = "unknown column: ";

    // NAME has lsblk show a tree. Without the others nothing can be told of a device.
    private static readonly string[] Needed = ["NAME", "KNAME", "MAJ:MIN", "TYPE"];

    // Nothing of file systems: for those lsblk would open the devices, and wait for one that hangs. Not every version has each of these.
    private string[] wanted = ["PATH", "SIZE", "VENDOR", "MODEL", "SERIAL", "WWN", "TRAN"];

    /// <summary>Asks once; once more for each column that this version lacks, and never again for that.</summary>
    /// <returns>What it showed, and its words where it could not show all of it.</returns>
    /// <exception cref="FactsException">lsblk is not there, failed, did not end, or cannot be understood.</exception>
    public async Task<(LsblkAnswer Answer, string Words)> ReadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var result = await RunAsync(cancellationToken);
            if (result is { Truncated: true, ExitCode: 0 })
            {
                throw new FactsException($"lsblk's answer is longer than {OutputBytes >> 20} MiB, or did not end");
            }

            if (result.ExitCode == 0)
            {
                return (LsblkAnswer.Read(result.Output), LsblkWords.Of(result.Error));
            }

            var lacking = Lacking(result.Error);
            wanted = wanted.Contains(lacking, StringComparer.Ordinal)
                ? [.. wanted.Where(column => column != lacking)]
                : throw Failed(result);
        }
    }

    /// <summary>
    /// The column that it does not know, as in <c>lsblk: unknown column: PATH,SIZE</c>: the first of those that it has not read.
    /// </summary>
    private static string? Lacking(string error) => error.IndexOf(UnknownColumn, StringComparison.Ordinal) is var at and >= 0
        ? error[(at + UnknownColumn.Length)..].Split(',', '\n')[0].Trim()
        : null;

    private static FactsException Failed(ProcessResult result)
    {
        var words = LsblkWords.Of(result.Error);
        return new FactsException($"lsblk failed with exit code {result.ExitCode}{(words.Length > 0 ? $": {words}" : "")}");
    }

    private async Task<ProcessResult> RunAsync(CancellationToken cancellationToken)
    {
        var command = new ProcessCommand(program, ["--json", "--bytes", "--output", string.Join(',', [.. Needed, .. wanted])])
        {
            Timeout = TimeSpan.FromSeconds(15),
            OutputBytes = OutputBytes,
        };
        try
        {
            return await runner.RunAsync(command, cancellationToken);
        }
        catch (ProcessNotStartedException exception)
        {
            throw new FactsException("lsblk is not installed", exception);
        }
        catch (ProcessTimedOutException exception)
        {
            throw new FactsException("lsblk did not end: a device hangs", exception);
        }
    }
}
