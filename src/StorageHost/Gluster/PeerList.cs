using System.Xml.Linq;

namespace StorageHost.Gluster;

/// <summary>A node as <c>gluster pool list</c> has it.</summary>
/// <param name="Uuid">What it is known by in every answer; empty when it was not told.</param>
/// <param name="Hostname">The name that it was probed by; <c>localhost</c> for this node.</param>
/// <param name="IsConnected">Whether its daemon is connected to this node's. One that was stopped or cut off stays connected for
/// minutes.</param>
/// <param name="Standing">What it is instead of a member of the cluster, as the CLI names it; empty for a member.</param>
internal sealed record Peer(string Uuid, string Hostname, bool IsConnected, string Standing = "")
{
    public const string Localhost = "localhost";

    /// <summary>Whether it can be asked how its bricks are.</summary>
    public bool IsAsked => IsConnected && Standing.Length == 0;

    /// <summary>Whether it is shut out, as a volume's configuration there differs from that of this node.</summary>
    public bool IsRejected => Standing.Contains("Rejected", StringComparison.OrdinalIgnoreCase);
}

/// <summary>Reads <c>gluster pool list</c>.</summary>
internal static class PeerList
{
    private const string MemberState = "3";
    private const string RejectedState = "6";
    private const string MemberWords = "Peer in Cluster";

    public static Reading<Peer> Parse(XElement answer)
    {
        var all = (answer.Element("peerStatus") ?? throw new FormatException("it has no <peerStatus>"))
            .Elements("peer").Select(Peer).ToList();
        var peers = all.OfType<Peer>().ToList();
        return new(peers, peers.Count < all.Count ? "a peer has no name" : peers.Count == 0 ? "it names no peer" : null);
    }

    private static Peer? Peer(XElement peer)
    {
        var uuid = peer.TextIfKnown("uuid") ?? "";
        var name = peer.TextIfKnown("hostname") ?? peer.Element("hostnames")?.TextIfKnown("hostname") ?? uuid;
        return name.Length == 0 ? null
            : name == Gluster.Peer.Localhost ? new Peer(uuid, name, IsConnected: true)
            : new Peer(uuid, name, peer.CountIfKnown("connected") > 0, Standing(peer));
    }

    private static string Standing(XElement peer) => (peer.TextIfKnown("state"), peer.TextIfKnown("stateStr")) switch
    {
        (MemberState, _) or (null, null) => "",
        (_, { } words) => words == MemberWords ? "" : words,
        (RejectedState, null) => "Peer Rejected",
        ({ } state, null) => $"state {state}",
    };
}
