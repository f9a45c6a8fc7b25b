using System.Collections.Concurrent;
using StorageHost.Files.Session;
using StorageHost.Images.Names;
using StorageHost.Images.Ports;
using StorageHost.ImageStorages;

namespace StorageHost.Files.Index;

/// <summary>
/// Looks for hosts in the index of the served directory. The index is some seconds old; what this daemon has made since is remembered
/// beside it, until the index has been renewed twice.
/// </summary>
internal sealed class HostIndex(IDirectorySource directories, VolumeSessions volume, FileNames names) : IHostIndex
{
    /// <summary>Far more than are made between two looks at the directory; more are forgotten while it cannot be read.</summary>
    private const int MaxMade = 10_000;

    private volatile State state = new([], [], [], []);

    public ValueTask<FileName?> FindNamesakeAsync(Hostname hostname, CancellationToken cancellationToken)
    {
        var now = Renew();
        return !IsOther(now.Guests, hostname)
            && !now.Generations.Any(made => made.TryGetValue(hostname.Text, out var disk) && disk.Host != hostname)
            ? ValueTask.FromResult<FileName?>(null)
            : new(FindOnStorageAsync(now, hostname, cancellationToken));
    }

    public bool IsKnown(Hostname hostname)
    {
        var now = Renew();
        return now.Guests.Contains(hostname.Text) || now.Generations.Any(made => made.ContainsKey(hostname.Text));
    }

    public void Add(Hostname hostname, FileName disk)
    {
        var made = Renew().Made;
        if (made.Count >= MaxMade)
        {
            made.Clear();
        }

        made.TryAdd(hostname.Text, (hostname, disk));
    }

    private static bool IsOther(HashSet<string> guests, Hostname hostname) =>
        guests.TryGetValue(hostname.Text, out var known) && known != hostname.Text;

    private Task<FileName?> FindOnStorageAsync(State known, Hostname hostname, CancellationToken cancellationToken)
    {
        var disks = known.Images.Where(image => string.Equals(image.GuestId, hostname.Text, StringComparison.OrdinalIgnoreCase)).ToArray();
        var made = known.Generations.Select(made => made.TryGetValue(hostname.Text, out var disk) ? disk : default)
            .Where(disk => disk != default).ToArray();
        FileName[] own =
        [
            .. disks.Where(disk => disk.GuestId == hostname.Text).Select(disk => new FileName(disk.FileName)),
            .. made.Where(disk => disk.Host == hostname).Select(disk => disk.Disk),
            names.SystemDisk(hostname),
        ];
        FileName[] others =
        [
            .. disks.Where(disk => disk.GuestId != hostname.Text).Select(disk => new FileName(disk.FileName)),
            .. made.Where(disk => disk.Host != hostname).Select(disk => disk.Disk),
        ];
        return volume.RunAsync(
            "look for a host of the same name",
            (VolumeSession session, StorageCall<FileName?> _) =>
                own.Any(IsThere(session)) ? null : others.Where(IsThere(session)).Select(disk => (FileName?)disk).FirstOrDefault(),
            cancellationToken);
    }

    private static Func<FileName, bool> IsThere(VolumeSession session) => disk => session.Mount.TryStat(disk.Text, out _);

    /// <summary>The hosts of the index as it is now: gathered once for each state of it, and not for each request.</summary>
    private State Renew()
    {
        var images = directories.Latest[0].Facts.Value?.Images;
        var before = state;
        if (images is null || ReferenceEquals(images, before.Images))
        {
            return before;
        }

        var guests = new HashSet<string>(
            images.Select(image => image.GuestId).Where(guest => guest.Length > 0), StringComparer.OrdinalIgnoreCase);
        var next = new State(images, guests, [], before.Made);
        return Interlocked.CompareExchange(ref state, next, before) == before ? next : state;
    }

    /// <param name="Images">The index.</param>
    /// <param name="Guests">The hosts in it, each in one spelling.</param>
    /// <param name="Made">What this daemon has made since; the index after the next knows it.</param>
    /// <param name="MadeBefore">The same of the index before.</param>
    private sealed record State(IReadOnlyList<IndexedImage> Images, HashSet<string> Guests, MadeDisks Made, MadeDisks MadeBefore)
    {
        public IReadOnlyList<MadeDisks> Generations { get; } = [Made, MadeBefore];
    }

    private sealed class MadeDisks() : ConcurrentDictionary<string, (Hostname Host, FileName Disk)>(StringComparer.OrdinalIgnoreCase);
}
