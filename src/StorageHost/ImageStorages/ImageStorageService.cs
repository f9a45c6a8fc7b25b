using StorageHost.Images;
using StorageHost.Images.Pools;

namespace StorageHost.ImageStorages;

/// <summary>Puts what is known together. Nothing here waits, runs a process or touches the storage.</summary>
internal sealed class ImageStorageService(
    IFacts<GlusterCluster> gluster, IFacts<IReadOnlyList<PhysicalDisk>> disks, IDirectorySource directories, VolumeHealth health,
    ImageLists lists, RefusedRoom room, ImageStoragePolicy policy)
{
    /// <summary>The ids of the image storages.</summary>
    public IReadOnlyList<string> Ids => [policy.Id];

    /// <summary>The volumes of all image storages.</summary>
    public IEnumerable<AnyVolumeInfo> Volumes
    {
        get
        {
            var all = Get(policy.Id);
            return [.. all.Volumes, .. all.ExternalVolumes, .. all.GlusterVolumes];
        }
    }

    /// <summary>Everything about one image storage.</summary>
    /// <exception cref="RefusedException">ImageStorageNotFound.</exception>
    public ImageStorageInfo Get(string id)
    {
        if (id != policy.Id)
        {
            throw new RefusedException(Refusal.ImageStorageNotFound, $"there is no image storage of that id; there is {policy.Id}");
        }

        var cluster = gluster.Latest;
        var physical = disks.Latest.Value ?? [];
        (string Name, Facts<DirectoryFacts> Facts)[] served = [.. directories.Latest.Select((directory, place) =>
            place == 0 ? WithRefused(directory) : directory)];
        var local = served.Where(directory => !IsGluster(directory.Facts.Value))
            .ToLookup(directory => IsLocal(directory.Facts.Value, physical));
        return new ImageStorageInfo(
            cluster.Value is { Nodes.Count: > 0 } known ? [.. known.Nodes.Select(node => node.Name)] : [policy.Node],
            [.. local[true].Select(directory => Local(directory.Name, directory.Facts, physical))],
            [.. local[false].Select(directory => External(directory.Name, directory.Facts))],
            [.. GlusterVolumes(cluster, [.. served.Where(directory => IsGluster(directory.Facts.Value))])],
            [.. physical.Select(disk => new PhysicalDiskInfo(
                served.FirstOrDefault(directory => LiesOn(directory.Facts.Value, disk)).Name ?? "", disk.Model, disk.Id, disk.Vendor,
                disk.Path))]);
    }

    /// <summary>The served directory, which is the first, with what is refused there.</summary>
    private (string Name, Facts<DirectoryFacts> Facts) WithRefused((string Name, Facts<DirectoryFacts> Facts) served) =>
        room.Message is { } refused && served.Facts.Value is { } directory
            ? (served.Name, served.Facts with
            {
                Value = directory with { Refused = directory.Refused is { } full ? $"{full}; {refused}" : refused },
            })
            : served;

    private static bool IsGluster(DirectoryFacts? facts) => facts?.GlusterVolume is not null;

    private static bool LiesOn(DirectoryFacts? facts, PhysicalDisk disk) =>
        facts is not null && disk.DeviceNumbers.Contains(facts.DeviceNumber);

    // Without lsblk's word, a source that is a device is one.
    private static bool IsLocal(DirectoryFacts? facts, IReadOnlyList<PhysicalDisk> disks) =>
        facts is not null && (disks.Any(disk => LiesOn(facts, disk)) || facts.Source.StartsWith("/dev/", StringComparison.Ordinal));

    private VolumeInfo Local(string name, Facts<DirectoryFacts> facts, IReadOnlyList<PhysicalDisk> physical)
    {
        var under = physical.Where(disk => LiesOn(facts.Value, disk)).Select(disk => disk.Id).ToArray();
        var state = health.OfDirectory(facts);
        var images = lists.Of(facts.Value!.Images, name, policy.Id);
        return new VolumeInfo
        {
            VolumeId = name,
            PrimaryDiskId = under.FirstOrDefault() ?? "",
            SecondaryDiskId = under.ElementAtOrDefault(1) ?? "",
            Status = state.Status,
            StatusMsg = state.Message,
            TotalSpace = facts.Value.TotalBytes >> 10,
            FreeSpace = facts.Value.FreeBytes >> 10,
            Images = images.Images,
            Clones = images.Clones,
        };
    }

    private ExternalVolumeInfo External(string name, Facts<DirectoryFacts> facts)
    {
        var state = health.OfDirectory(facts);
        var images = lists.Of(facts.Value?.Images ?? [], name, policy.Id);
        return new ExternalVolumeInfo
        {
            VolumeId = name,
            MountPoint = facts.Value?.MountPoint ?? "",
            Status = state.Status,
            StatusMsg = state.Message,
            TotalSpace = (facts.Value?.TotalBytes ?? 0) >> 10,
            FreeSpace = (facts.Value?.FreeBytes ?? 0) >> 10,
            Images = images.Images,
            Clones = images.Clones,
        };
    }

    private IEnumerable<GlusterVolumeInfo> GlusterVolumes(
        Facts<GlusterCluster> cluster, IReadOnlyList<(string Name, Facts<DirectoryFacts> Facts)> mounted)
    {
        var known = cluster.Value?.Volumes ?? [];
        foreach (var volume in known)
        {
            var directory = mounted.FirstOrDefault(candidate => candidate.Facts.Value!.GlusterVolume == volume.Name).Facts;
            var state = VolumeHealth.Worst(
                [health.OfGluster(volume, cluster), directory is null ? Health.Fine : health.OfDirectory(directory)]);
            yield return Gluster(volume, directory, state);
        }

        // Mounted from a cluster that this node is not in, or that could not be asked yet.
        foreach (var directory in mounted.Where(candidate => known.All(volume => candidate.Facts.Value!.GlusterVolume != volume.Name)))
        {
            var unasked = new Health(
                VolumeStatus.Unknown, cluster.Problem ?? "the Gluster cluster that it belongs to cannot be asked from this node");
            var volume = new GlusterVolume(directory.Facts.Value!.GlusterVolume!, "", "", "", true, [], 1, 1, null, null, null, null);
            yield return Gluster(volume, directory.Facts, VolumeHealth.Worst([unasked, health.OfDirectory(directory.Facts)]));
        }
    }

    private GlusterVolumeInfo Gluster(GlusterVolume volume, Facts<DirectoryFacts>? directory, Health state)
    {
        var images = lists.Of(directory?.Value?.Images ?? [], volume.Name, policy.Id);
        return new GlusterVolumeInfo
        {
            VolumeId = volume.Name,
            GvolumeName = volume.Name,
            Bricks = [.. volume.Bricks.Select(brick => brick.ToString())],
            Type = volume.Type,
            Configuration = volume.Configuration,
            Transport = volume.Transport,
            Status = state.Status,
            StatusMsg = state.Message,
            TotalSpace = (directory?.Value?.TotalBytes ?? volume.TotalBytes ?? 0) >> 10,
            FreeSpace = (directory?.Value?.FreeBytes ?? volume.FreeBytes ?? 0) >> 10,
            Images = images.Images,
            Clones = images.Clones,
        };
    }
}
