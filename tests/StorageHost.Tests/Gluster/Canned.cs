using System.Runtime.CompilerServices;
using System.Xml.Linq;
using StorageHost.Gluster;
using StorageHost.ImageStorages;

namespace StorageHost.Tests.Gluster;

/// <summary>
/// What Gluster 10.3 said on a cluster of three nodes, gn1 to gn3, asked on gn1: a volume of each type. <c>volume-info</c> was taken after
/// options were set and the volume <c>one</c> was stopped; the files of <c>volume-status</c> when all of them ran.
/// </summary>
internal static class Canned
{
    public static readonly DateTimeOffset Now = new(2040, 5, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly Lazy<IReadOnlyList<VolumeLayout>> LayoutsOnce = new(() => VolumeInfoList.Parse(Xml("volume-info.xml")).Items);

    public static string Path(string file, [CallerFilePath] string here = "") =>
        System.IO.Path.Combine(System.IO.Path.GetDirectoryName(here)!, "Canned", file);

    public static string Text(string file) => File.ReadAllText(Path(file));

    public static XElement Xml(string file) => GlusterXml.Parse(Text(file));

    public static IReadOnlyList<VolumeLayout> Layouts() => LayoutsOnce.Value;

    public static VolumeLayout Layout(string name) => Layouts().Single(volume => volume.Name == name);

    /// <summary>What is known after the three answers.</summary>
    public static ClusterState Knowledge(string poolList = "pool-list.xml", string status = "volume-status.xml")
    {
        var knowledge = new ClusterState("me");
        knowledge.Learn(PeerList.Parse(Xml(poolList)).Items, Layouts(), Now);
        knowledge.Learn(VolumeStatusList.Parse(Xml(status)).Items, Now);
        return knowledge;
    }

    public static GlusterVolume Volume(this ClusterState knowledge, string name) =>
        knowledge.ToFacts(null).Value!.Volumes.Single(volume => volume.Name == name);
}
