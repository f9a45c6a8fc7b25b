using StorageHost.Images.Names;

namespace StorageHost.Images.Ports;

/// <summary>The hosts that have disks, as the index of the directory knows them (port; implemented in Files).</summary>
internal interface IHostIndex
{
    /// <summary>
    /// Finds a disk of another host whose name differs from this one in letter case only. Without one, that is a look-up in memory;
    /// one that the index knows is looked for on the storage, since it may be gone.
    /// </summary>
    /// <returns>Null when there is none, and when this host has disks itself: then both are there already.</returns>
    ValueTask<FileName?> FindNamesakeAsync(Hostname hostname, CancellationToken cancellationToken);

    /// <summary>Whether the index knows disks of a host. It may be some seconds behind other daemons.</summary>
    bool IsKnown(Hostname hostname);

    /// <summary>Remembers a disk that this daemon has made, until the index knows it.</summary>
    void Add(Hostname hostname, FileName disk);
}

/// <summary>What is made of the port's own verbs.</summary>
internal static class Namesakes
{
    /// <summary>Refuses a new host that DNS would take for one that is there.</summary>
    /// <exception cref="RefusedException">HostExists; and what the storage says.</exception>
    public static async ValueTask RefuseNamesakeAsync(this IHostIndex hosts, Hostname hostname, CancellationToken cancellationToken)
    {
        if (await hosts.FindNamesakeAsync(hostname, cancellationToken) is { } disk)
        {
            throw new RefusedException(
                Refusal.HostExists,
                $"{disk} already exists: its hostname and {hostname} differ only in letter case, and are one host in DNS");
        }
    }
}
