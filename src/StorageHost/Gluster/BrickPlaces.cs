using System.Xml.Linq;

namespace StorageHost.Gluster;

/// <summary>Reads where the bricks of a volume are.</summary>
internal static class BrickPlaces
{
    private const string IsArbiter = "isArbiter";

    /// <summary>Reads one. Gluster 3.4 has no elements in it, only the text; later ones have both.</summary>
    public static BrickPlace Read(XElement brick)
    {
        // A node may be an IPv6 address; the first colon before a slash ends it in any case.
        var name = brick.TextIfKnown("name") ?? string.Concat(brick.Nodes().OfType<XText>().Select(text => text.Value)).Trim();
        var end = name.IndexOf(":/", StringComparison.Ordinal);
        return end > 0
            ? new BrickPlace(
                name[..end],
                name[(end + 1)..],
                brick.TextIfKnown("hostUuid") ?? brick.Attribute("uuid")?.Value ?? "",
                brick.Element(IsArbiter) is null ? null : brick.CountIfKnown(IsArbiter) == 1)
            : throw new FormatException("a brick is not node:/path");
    }

    public static BrickPlace? ReadIfKnown(XElement brick)
    {
        try
        {
            return Read(brick);
        }
        catch (FormatException)
        {
            return null;
        }
    }

    /// <summary>Before bricks said whether they are one, the arbiter was the last of its set; it still is.</summary>
    public static IReadOnlyList<BrickPlace> WithArbiters(IReadOnlyList<BrickPlace> bricks, int setSize) =>
        [.. bricks.Select((brick, index) => brick with { ArbiterIfTold = brick.ArbiterIfTold ?? index % setSize == setSize - 1 })];
}
