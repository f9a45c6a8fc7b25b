using System.Xml.Linq;

namespace StorageHost.Gluster;

/// <summary>The bricks of a volume as <c>gluster volume status … detail</c> has them.</summary>
/// <param name="Name">The volume.</param>
/// <param name="Bricks">Its bricks, without those of nodes that are not connected, or are rejected: the CLI leaves them out.</param>
internal sealed record VolumeBricks(string Name, IReadOnlyList<BrickState> Bricks);

/// <summary>How a brick is.</summary>
/// <param name="NodeUuid">Its node's <see cref="Peer.Uuid"/>; empty when it was not told. The node's name may be given as
/// <c>localhost</c>.</param>
/// <param name="Node">Its node's name.</param>
/// <param name="Path">Its directory.</param>
/// <param name="IsOnline">Whether its process serves; null when that cannot be read.</param>
/// <param name="ProcessId">Its process there: another one than before has been started since. Empty when it was not told.</param>
/// <param name="Device">The device that it lies on, at that node.</param>
/// <param name="TotalBytes">Size of the file system there; null when the CLI does not know.</param>
/// <param name="FreeBytes">Free bytes there; likewise.</param>
internal sealed record BrickState(
    string NodeUuid, string Node, string Path, bool? IsOnline, string ProcessId, string Device, long? TotalBytes, long? FreeBytes);

/// <summary>Reads <c>gluster volume status … detail</c>.</summary>
internal static class VolumeStatusList
{
    /// <summary>
    /// Volumes that are not started are not in it; nor, measured on 10.3 and with <c>opRet</c> 0, is a started one that another node's
    /// command holds locked just then.
    /// </summary>
    public static Reading<VolumeBricks> Parse(XElement answer)
    {
        var volumes = new List<VolumeBricks>();
        string? unread = null;
        foreach (var volume in answer.Elements("volStatus").Elements("volumes").Elements("volume"))
        {
            // Those of a tiered volume stand one level deeper.
            var bricks = volume.Descendants("node").Select(Brick).ToList();
            if (volume.TextIfKnown("volName") is { } name)
            {
                volumes.Add(new VolumeBricks(name, [.. bricks.OfType<BrickState>()]));
                unread ??= bricks.Contains(null) ? $"a brick of {name} has no path" : null;
            }
            else
            {
                unread ??= "a volume has no name";
            }
        }

        return new(volumes, unread);
    }

    private static BrickState? Brick(XElement node) => node.TextIfKnown("path") is not { } path ? null : new(
        node.TextIfKnown("peerid") ?? "",
        node.TextIfKnown("hostname") ?? "",
        path,
        node.TextIfKnown("status") switch { "1" => true, "0" => false, _ => null },
        node.TextIfKnown("pid") ?? "",
        node.TextIfKnown("device") ?? "",
        node.CountIfKnown("sizeTotal"),
        node.CountIfKnown("sizeFree"));
}
