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
    private static readonly TimeSpan BrickTimeout = TimeSpan.FromSeconds(10);

    /// <summary>The status of so many volumes may take the whole timeout, of more of them as many times as long.</summary>
    private const int VolumesInTimeout = 50;

    /// <summary>The CLI and its helper reserve far more address space than they use: 256 MiB sufficed for twelve small volumes.</summary>
    private const long MemoryBytes = 4L << 30;

    public Task<Reading<Peer>> PeerListAsync(CancellationToken cancellationToken) =>
        AskAsync(["pool", "list"], options.Value.Timeout, PeerList.Parse, cancellationToken);

    public Task<Reading<VolumeLayout>> VolumeInfoAsync(CancellationToken cancellationToken) =>
        AskAsync(["volume", "info"], options.Value.Timeout, VolumeInfoList.Parse, cancellationToken);

    /// <summary>Bricks and their space, of all started volumes. The CLI asks for one after the other.</summary>
    /// <param name="volumes">How many there are.</param>
    /// <param name="cancellationToken">Stops asking.</param>
    public Task<Reading<VolumeBricks>> AllVolumesStatusAsync(int volumes, CancellationToken cancellationToken) =>
        AskAsync(
            ["volume", "status", "all", "detail"],
            options.Value.Timeout * Math.Max(1, (volumes + VolumesInTimeout - 1) / VolumesInTimeout),
            VolumeStatusList.Parse,
            cancellationToken);

    /// <summary>Bricks and their space, of a started volume.</summary>
    public Task<Reading<VolumeBricks>> VolumeStatusAsync(string volume, CancellationToken cancellationToken) =>
        AskAsync(["volume", "status", volume, "detail"], options.Value.Timeout, VolumeStatusList.Parse, cancellationToken);

    public Task<Reading<BrickHeal>> HealSummaryAsync(string volume, CancellationToken cancellationToken) =>
        AskAsync(
            ["volume", "heal", volume, "info", "summary"], options.Value.Timeout + BrickTimeout, HealList.ParseSummary, cancellationToken);

    /// <summary>What the self-heal daemons have counted, as text: 10.3 knows no XML for it.</summary>
    public Task<Reading<BrickHeal>> HealCountAsync(string volume, CancellationToken cancellationToken)
    {
        string[] command = ["volume", "heal", volume, "statistics", "heal-count"];
        return AskAsync(
            command, options.Value.Timeout, result => GlusterAnswer.ReadText(Words(command), result, HealList.ParseCount),
            cancellationToken);
    }

    private Task<Reading<T>> AskAsync<T>(
        string[] command, TimeSpan timeout, Func<XElement, Reading<T>> parse, CancellationToken cancellationToken) =>
        AskAsync(command, timeout, result => GlusterAnswer.Read(Words(command), result, parse), cancellationToken);

    /// <summary>Asks, and counts what went wrong: each question once, whatever of its answer could not be read.</summary>
    private async Task<Reading<T>> AskAsync<T>(
        string[] command, TimeSpan timeout, Func<ProcessResult, Reading<T>> read, CancellationToken cancellationToken)
    {
        try
        {
            var reading = read(await RunAsync(command, timeout, cancellationToken));
            if (reading.Unread is not null)
            {
                metrics.Failed(GlusterFault.Unreadable);
            }

            return reading;
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
                $"'{Words(command)}' did not answer within {timeout.TotalSeconds:0.###} s: "
                    + "the Gluster daemon of some node may be stopped or cut off",
                exception);
        }
        catch (ProcessNotStartedException exception)
        {
            throw new GlusterException(GlusterFault.NotInstalled, "the gluster program is not installed on this node", exception);
        }
    }

    private static string Words(string[] command) => $"gluster {string.Join(' ', command)}";
}
