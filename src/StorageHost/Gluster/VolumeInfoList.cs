using System.Xml.Linq;

namespace StorageHost.Gluster;

/// <summary>
/// Reads <c>gluster volume info</c>. A volume that cannot be read takes nothing from the others: it says what could not be read.
/// </summary>
internal static class VolumeInfoList
{
    private static readonly string[] Transports = ["tcp", "rdma", "tcp,rdma"];

    public static Reading<VolumeLayout> Parse(XElement answer)
    {
        List<VolumeLayout> volumes = [.. (answer.Element("volInfo") ?? throw new FormatException("it has no <volInfo>"))
            .Elements("volumes").Elements("volume").Select(Volume)];
        return new(volumes, volumes.Find(volume => volume.Unread is not null) is { } odd ? $"volume {odd.Name}: {odd.Unread}" : null);
    }

    private static VolumeLayout Volume(XElement volume, int index)
    {
        try
        {
            return Whole(volume);
        }
        catch (FormatException exception)
        {
            return InPart(volume, index, exception.Message);
        }
    }

    private static VolumeLayout Whole(XElement volume)
    {
        if (volume.Elements("bricks").Elements().Any(element => element.Name.LocalName is "hotBricks" or "coldBricks"))
        {
            throw new FormatException("it is tiered, into hot and cold bricks");
        }

        var (kind, size, extra) = Sets(volume);
        var stripes = Math.Max(1, volume.Count("stripeCount", otherwise: 1));
        var bricks = volume.Elements("bricks").Elements("brick").Select(BrickPlaces.Read).ToList();
        if (bricks.Count == 0 || bricks.Count % ((long)size * stripes) != 0 || extra >= size)
        {
            throw new FormatException($"{bricks.Count} bricks do not make sets of {size} with {extra} to spare");
        }

        return new VolumeLayout(
            volume.Text("name"),
            volume.TextIfKnown("typeStr") ?? TypeOf(kind, bricks.Count > size),
            volume.Count("transport", otherwise: 0) is var transport && transport < Transports.Length
                ? Transports[transport]
                : throw new FormatException("an unknown transport"),
            IsStarted(volume) ?? throw new FormatException("nothing says whether it is started"),
            kind,
            size,
            extra,
            kind == SetKind.Replica && extra > 0 ? BrickPlaces.WithArbiters(bricks, size) : bricks,
            Options(volume))
        {
            Stripes = stripes,
        };
    }

    /// <summary>Whatever can be told of a volume of which not all can be. It counts as started unless it is said not to be.</summary>
    private static VolumeLayout InPart(XElement volume, int index, string unread)
    {
        List<BrickPlace> bricks = [.. volume.Elements("bricks").Descendants("brick").Select(BrickPlaces.ReadIfKnown).OfType<BrickPlace>()];
        return new VolumeLayout(
            volume.TextIfKnown("name") ?? volume.TextIfKnown("id") ?? $"unnamed-{index + 1}",
            volume.TextIfKnown("typeStr") ?? "",
            "",
            IsStarted(volume) ?? true,
            SetKind.Single,
            Math.Max(1, bricks.Count),
            0,
            bricks,
            Options(volume))
        {
            Unread = unread,
        };
    }

    /// <summary>From the counts of a set's members: <c>distCount</c> has meant different things in different versions.</summary>
    private static (SetKind Kind, int Size, int Extra) Sets(XElement volume)
    {
        var type = volume.TextIfKnown("typeStr") ?? "";
        if (volume.Count("disperseCount", otherwise: 0) is var fragments and > 0)
        {
            var redundancy = volume.Count("redundancyCount", otherwise: 0);
            return redundancy > 0
                ? (SetKind.Disperse, fragments, redundancy)
                : throw new FormatException("nothing says how many bricks of a set may be lost");
        }

        if (volume.Count("replicaCount", otherwise: 1) is var replicas and > 1)
        {
            return (SetKind.Replica, replicas, volume.Count("arbiterCount", otherwise: 0));
        }

        return type.Contains("Replicate", StringComparison.Ordinal) || type.Contains("Disperse", StringComparison.Ordinal)
            ? throw new FormatException("nothing says how many bricks make a set")
            : (SetKind.Single, 1, 0);
    }

    private static string TypeOf(SetKind kind, bool isDistributed) => kind switch
    {
        SetKind.Single => "Distribute",
        SetKind.Replica => isDistributed ? "Distributed-Replicate" : "Replicate",
        _ => isDistributed ? "Distributed-Disperse" : "Disperse",
    };

    private static bool? IsStarted(XElement volume) => (volume.TextIfKnown("status"), volume.TextIfKnown("statusStr")) switch
    {
        ("1", _) or (null, "Started") => true,
        ("0" or "2", _) or (null, "Created" or "Stopped") => false,
        _ => null,
    };

    private static Dictionary<string, string> Options(XElement volume)
    {
        var options = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var option in volume.Elements("options").Elements("option"))
        {
            if (option.TextIfKnown("name") is { } name)
            {
                options[name] = option.TextIfKnown("value") ?? "";
            }
        }

        return options;
    }
}
