using System.Diagnostics.Metrics;
using StorageHost.ImageStorages;

namespace StorageHost.Hosting.Telemetry;

/// <summary>What was last learnt of the volumes and of Gluster, and how old that is.</summary>
internal sealed class VolumeGauges
{
    private readonly ImageStorageService storages;
    private readonly IFacts<GlusterCluster> gluster;
    private readonly IFacts<IReadOnlyList<PhysicalDisk>> disks;
    private readonly IDirectorySource directories;
    private readonly TimeProvider time;

    public VolumeGauges(
        IMeterFactory meters, ImageStorageService storages, IFacts<GlusterCluster> gluster, IFacts<IReadOnlyList<PhysicalDisk>> disks,
        IDirectorySource directories, TimeProvider time)
    {
        (this.storages, this.gluster, this.disks, this.directories, this.time) = (storages, gluster, disks, directories, time);
        var meter = meters.Create("StorageHost");
        meter.CreateObservableGauge("storagehost.volume.size", () => Each(volume => volume.TotalSpace << 10), "By", "Size of a volume.");
        meter.CreateObservableGauge(
            "storagehost.volume.free", () => Each(volume => volume.FreeSpace << 10), "By", "What is free on a volume.");
        meter.CreateObservableGauge("storagehost.volume.status", Statuses, null, "1 for the status that a volume has, 0 for the others.");
        meter.CreateObservableGauge(
            "storagehost.disks.multi_linked", MultiLinked, "{disk}",
            "Disks whose file has had a second name for longer than is normal: it may be the disk of two hosts.");
        meter.CreateObservableGauge(
            "storagehost.gluster.bricks", Bricks, "{brick}", "Bricks of a volume that are up, down, or could not be asked.");
        meter.CreateObservableGauge(
            "storagehost.gluster.heal.pending", () => Each(volume => volume.HealPending), "{entry}", "Entries that wait to be healed.");
        meter.CreateObservableGauge(
            "storagehost.gluster.split_brain", () => Each(volume => volume.SplitBrain), "{entry}", "Entries in split-brain.");
        meter.CreateObservableGauge(
            "storagehost.facts.age", Ages, "s", "How long ago it was learnt what is shown of Gluster, the disks and the directories.");
    }

    private IEnumerable<Measurement<long>> Each(Func<AnyVolumeInfo, long> value) =>
        storages.Volumes.Select(volume => new Measurement<long>(value(volume), Volume(volume.VolumeId)));

    private IEnumerable<Measurement<long>> Each(Func<GlusterVolume, int?> value) =>
        Gluster().Where(volume => value(volume) is not null)
            .Select(volume => new Measurement<long>(value(volume)!.Value, Volume(volume.Name)));

    private IEnumerable<Measurement<long>> Statuses() => storages.Volumes.SelectMany(volume => Enum.GetValues<VolumeStatus>()
        .Select(status =>
            new Measurement<long>(
                volume.Status == status ? 1 : 0, Volume(volume.VolumeId), new("status", status.ToString().ToLowerInvariant()))));

    private IEnumerable<Measurement<long>> Bricks() =>
        Gluster().SelectMany(volume => new (string State, bool? IsOnline)[] { ("up", true), ("down", false), ("unknown", null) }
            .Select(state =>
                new Measurement<long>(
                    volume.Bricks.Count(brick => brick.IsOnline == state.IsOnline), Volume(volume.Name), new("state", state.State))));

    private IEnumerable<Measurement<long>> MultiLinked() => directories.Latest.Where(directory => directory.Facts.Value is not null)
        .Select(directory =>
            new Measurement<long>(
                directory.Facts.Value!.MultiLinked.Count, new KeyValuePair<string, object?>("directory", directory.Name)));

    private IEnumerable<Measurement<double>> Ages() =>
        new (string Subject, DateTimeOffset? TakenAt)[] { ("gluster", gluster.Latest.TakenAt), ("disks", disks.Latest.TakenAt) }
            .Concat(directories.Latest.Select(directory => (Subject: $"directory {directory.Name}", directory.Facts.TakenAt)))
            .Where(facts => facts.TakenAt is not null)
            .Select(facts =>
                new Measurement<double>(
                    (time.GetUtcNow() - facts.TakenAt!.Value).TotalSeconds, new KeyValuePair<string, object?>("subject", facts.Subject)));

    private IReadOnlyList<GlusterVolume> Gluster() => gluster.Latest.Value?.Volumes ?? [];

    private static KeyValuePair<string, object?> Volume(string id) => new("volume", id);
}
