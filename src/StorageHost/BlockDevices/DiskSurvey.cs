using System.Runtime.CompilerServices;
using StorageHost.ImageStorages;

namespace StorageHost.BlockDevices;

/// <summary>Looks at the disks of this node.</summary>
internal sealed partial class DiskSurvey(Lsblk lsblk, IMounts mounts, ILogger<DiskSurvey> log) : IPolled<IReadOnlyList<PhysicalDisk>>
{
    private string lacking = "";

    /// <remarks>A look runs lsblk once more for each column that it lacks, with a deadline for each run.</remarks>
    public PollPace Pace { get; } = new(TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5));

    public async IAsyncEnumerable<Facts<IReadOnlyList<PhysicalDisk>>> LookAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        yield return new(await ReadAsync(cancellationToken), TakenAt: null, Problem: null);
    }

    private async Task<IReadOnlyList<PhysicalDisk>> ReadAsync(CancellationToken cancellationToken)
    {
        var (answer, words) = await lsblk.ReadAsync(cancellationToken);
        string[] lacks =
        [
            answer.Unread > 0 ? $"{answer.Unread} of its entries could not be read" : "",
            words.Length > 0 ? $"it says: {words}" : "",
        ];
        LogChange(string.Join("; ", lacks.Where(part => part.Length > 0)));
        return new DeviceGraph(answer.Devices, DeviceLinks.LoopFiles(), DeviceLinks.FileSystems(), mounts).Disks(DeviceLinks.ById());
    }

    private void LogChange(string now)
    {
        if (now == lacking)
        {
            return;
        }

        lacking = now;
        if (now.Length > 0)
        {
            LogLacking(now);
        }
        else
        {
            LogWhole();
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "lsblk does not show every device: {Words}")]
    private partial void LogLacking(string words);

    [LoggerMessage(Level = LogLevel.Information, Message = "lsblk shows every device again")]
    private partial void LogWhole();
}
