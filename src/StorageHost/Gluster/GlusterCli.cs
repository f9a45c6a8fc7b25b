using System.Xml.Linq;
using Microsoft.Extensions.Options;
using StorageHost.Processes;

namespace StorageHost.Gluster;

/// <summary>Asks the gluster CLI. It is for one caller who asks one thing at a time.</summary>
internal sealed class GlusterCli(ProcessRunner runner, GlusterMetrics metrics, IOptions<GlusterOptions> options)
{
    /// <summary>
    /// How long <c>heal … info</c> waits for bricks by itself: with a peer's daemon stopped or the peer cut off it took 10.1 s on
    /// Gluster 10.3, and then answered in full for the others.
    /// </summary>
    private static readonly TimeSpan BrickPatience = TimeSpan.FromSeconds(10);

    /// <summary>The CLI and its helper reserve far more address space than they use: 256 MiB sufficed for twelve small volumes.</summary>
    private const long MemoryBytes = 4L << 30;

    public async Task<XElement> PeerListAsync(CancellationToken cancellationToken) =>
        await AskAsync(["pool", "list"], cancellationToken);

    public async Task<XElement> VolumeInfoAsync(CancellationToken cancellationToken) =>
        await AskAsync(["volume", "info"], cancellationToken);

    /// <summary>Bricks and their space.</summary>
    /// <param name="volume">A started volume, or <c>all</c> of them.</param>
    /// <param name="cancellationToken">Stops asking.</param>
    public async Task<XElement> VolumeStatusAsync(string volume, CancellationToken cancellationToken) =>
        await AskAsync(["volume", "status", volume, "detail"], cancellationToken);

    public async Task<XElement> HealSummaryAsync(string volume, CancellationToken cancellationToken) =>
        await AskAsync(["volume", "heal", volume, "info", "summary"], options.Value.Timeout + BrickPatience, GlusterAnswer.Read, cancellationToken);

    /// <summary>What the self-heal daemons have counted, as text: 10.3 knows no XML for it.</summary>
    public async Task<string> HealCountAsync(string volume, CancellationToken cancellationToken) =>
        await AskAsync(["volume", "heal", volume, "statistics", "heal-count"], options.Value.Timeout, GlusterAnswer.ReadText, cancellationToken);

    private Task<XElement> AskAsync(string[] command, CancellationToken cancellationToken) =>
        AskAsync(command, options.Value.Timeout, GlusterAnswer.Read, cancellationToken);

    private async Task<T> AskAsync<T>(string[] command, TimeSpan timeout, Func<string, ProcessResult, T> read, CancellationToken cancellationToken)
    {
        try
        {
            return read(Words(command), await RunAsync(command, timeout, cancellationToken));
        }
        catch (GlusterException exception)
        {
            metrics.Failed(exception.Fault);
            throw;
        }
    }

    private async Task<ProcessResult> RunAsync(string[] command, TimeSpan timeout, CancellationToken cancellationToken)
    {
        try
        {
            // With a stopped daemon on some node the CLI itself gives up only after 120 s, with one on this node likewise.
            var process = new ProcessCommand(options.Value.Path, ["--mode=script", "--xml", .. command])
            {
                Timeout = timeout,
                MemoryBytes = MemoryBytes,
                OutputBytes = GlusterXml.MaxLength,
            };
            return await runner.RunAsync(process, cancellationToken);
        }
        catch (ProcessTimedOutException exception)
        {
            throw new GlusterException(
                GlusterFault.Hung,
                $"'{Words(command)}' did not answer within {timeout.TotalSeconds:0.###} s: the Gluster daemon of some node may be stopped or cut off",
                exception);
        }
        catch (ProcessNotStartedException exception)
        {
            throw new GlusterException(GlusterFault.NotInstalled, "the gluster program is not installed on this node", exception);
        }
    }

    private static string Words(string[] command) => $"gluster {string.Join(' ', command)}";
}
