using System.Xml.Linq;
using static StorageHost.Gluster.GlusterXml;

namespace StorageHost.Gluster;

/// <summary>Reads <c>gluster volume info</c>.</summary>
internal static class VolumeInfoList
{
    private const int Started = 1;
    private static readonly string[] Transports = ["tcp", "rdma", "tcp,rdma"];

    public static IReadOnlyList<VolumeLayout> Parse(XElement answer) =>
        [.. answer.List("volInfo", "volumes", "volume").Select(Volume)];

    private static VolumeLayout Volume(XElement volume)
    {
        var (kind, size, extra) = Sets(volume);
        var bricks = volume.Elements("bricks").Elements("brick").Select(Brick).ToList();
        if (bricks.Count == 0 || bricks.Count % size != 0 || extra >= size)
        {
            throw Unreadable($"{bricks.Count} bricks do not make sets of {size} with {extra} to spare");
        }

        return new VolumeLayout(
            volume.Text("name"),
            volume.Text("typeStr"),
            volume.Count("transport") is var transport && transport < Transports.Length
                ? Transports[transport]
                : throw Unreadable("an unknown transport"),
            volume.Count("status") == Started,
            kind,
            size,
            extra,
            bricks,
            Options(volume));
    }

    /// <summary>From the counts of a set's members: <c>distCount</c> has meant different things in different versions.</summary>
    private static (SetKind Kind, int Size, int Extra) Sets(XElement volume) =>
        volume.Count("disperseCount") is var fragments and > 0 ? (SetKind.Disperse, fragments, volume.Count("redundancyCount"))
        : volume.Count("replicaCount") is var replicas and > 1 ? (SetKind.Replica, replicas, volume.Count("arbiterCount"))
        : (SetKind.Single, 1, 0);

    private static BrickPlace Brick(XElement brick)
    {
        // A node may be an IPv6 address; the first colon before a slash ends it in any case.
        var name = brick.Text("name");
        var end = name.IndexOf(":/", StringComparison.Ordinal);
        return end > 0
            ? new BrickPlace(name[..end], name[(end + 1)..], brick.Text("hostUuid"), brick.CountIfKnown("isArbiter") == 1)
            : throw Unreadable("a brick is not node:/path");
    }

    private static Dictionary<string, string> Options(XElement volume)
    {
        var options = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var option in volume.Elements("options").Elements("option"))
        {
            options[option.Text("name")] = option.Element("value")?.Value ?? "";
        }

        return options;
    }
}
