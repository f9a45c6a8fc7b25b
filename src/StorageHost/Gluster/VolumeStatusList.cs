using System.Xml.Linq;

namespace StorageHost.Gluster;

/// <summary>The bricks of a volume as <c>gluster volume status … detail</c> has them.</summary>
/// <param name="Name">The volume.</param>
/// <param name="Bricks">Its bricks, without those of nodes whose daemon is not connected: the CLI leaves them out.</param>
internal sealed record VolumeBricks(string Name, IReadOnlyList<BrickState> Bricks);

/// <summary>How a brick is.</summary>
/// <param name="NodeUuid">Its node's <see cref="Peer.Uuid"/>; the node's name may be given as <c>localhost</c>.</param>
/// <param name="Path">Its directory.</param>
/// <param name="IsOnline">Whether its process serves.</param>
/// <param name="Device">The device that it lies on, at that node.</param>
/// <param name="TotalBytes">Size of the file system there; null when the CLI does not know.</param>
/// <param name="FreeBytes">Free bytes there; likewise.</param>
internal sealed record BrickState(string NodeUuid, string Path, bool IsOnline, string Device, long? TotalBytes, long? FreeBytes);

/// <summary>Reads <c>gluster volume status … detail</c>.</summary>
internal static class VolumeStatusList
{
    /// <summary>
    /// Volumes that are not started are not in it; nor, measured on 10.3 and with <c>opRet</c> 0, is a started one that another node's
    /// command holds locked just then.
    /// </summary>
    public static IReadOnlyList<VolumeBricks> Parse(XElement answer) =>
        [.. answer.List("volStatus", "volumes", "volume").Select(volume =>
            new VolumeBricks(volume.Text("volName"), [.. volume.Elements("node").Select(Brick)]))];

    private static BrickState Brick(XElement node) => new(
        node.Text("peerid"),
        node.Text("path"),
        node.Count("status") == 1,
        node.Element("device")?.Value ?? "",
        node.CountIfKnown("sizeTotal"),
        node.CountIfKnown("sizeFree"));
}
