using StorageHost.ImageStorages;

namespace StorageHost.BlockDevices;

/// <summary>Looks at the disks of this node once a minute.</summary>
internal sealed partial class DiskPoller : BackgroundService, IDiskSource
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly Lsblk lsblk;
    private readonly IMounts mounts;
    private readonly ILogger<DiskPoller> log;
    private readonly PolledFacts<IReadOnlyList<PhysicalDisk>> disks;
    private string lacking = "";

    public DiskPoller(Lsblk lsblk, IMounts mounts, TimeProvider time, ILogger<DiskPoller> log)
    {
        (this.lsblk, this.mounts, this.log) = (lsblk, mounts, log);
        disks = new PolledFacts<IReadOnlyList<PhysicalDisk>>("the disks", ReadAsync, time, log);
    }

    public Facts<IReadOnlyList<PhysicalDisk>> Latest => disks.Latest;

    /// <summary>Looks once.</summary>
    internal Task LookAsync(CancellationToken cancellationToken) => disks.TakeAsync(cancellationToken);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => disks.RunAsync(() => Interval, stoppingToken);

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
