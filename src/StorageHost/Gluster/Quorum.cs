using System.Globalization;

namespace StorageHost.Gluster;

/// <summary>How many bricks of a set must be up for it to be written to.</summary>
/// <param name="Needed">So many.</param>
/// <param name="FirstBreaksTie">Whether, with just so many up, the set's first brick must be among them.</param>
internal readonly record struct Quorum(int Needed, bool FirstBreaksTie)
{
    public static Quorum Of(VolumeLayout volume) => volume.Kind switch
    {
        SetKind.Disperse => new(Math.Max(volume.SetSize - volume.ExtraInSet, Option(volume, "disperse.quorum-count", 0)), false),
        SetKind.Replica => OfReplica(volume),
        _ => new(1, false),
    };

    /// <summary>
    /// What the client translator does when nobody set a type: <c>auto</c> for three replicas and more (an arbiter counts), none for two.
    /// Measured too: 10.3 shows <c>none</c> for a new replica 2 volume, and writes to it with either brick.
    /// </summary>
    private static Quorum OfReplica(VolumeLayout volume) =>
        volume.Options.GetValueOrDefault("cluster.quorum-type", volume.SetSize > 2 ? "auto" : "none") switch
        {
            "auto" when volume.SetSize % 2 == 0 => new(volume.SetSize / 2, true),
            "auto" => new((volume.SetSize / 2) + 1, false),
            "fixed" => new(Option(volume, "cluster.quorum-count", 1), false),
            _ => new(1, false),
        };

    private static int Option(VolumeLayout volume, string name, int otherwise) =>
        int.TryParse(volume.Options.GetValueOrDefault(name), NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? Math.Clamp(value, 1, volume.SetSize)
            : otherwise;
}
