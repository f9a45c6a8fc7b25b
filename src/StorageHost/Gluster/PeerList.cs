using System.Xml.Linq;

namespace StorageHost.Gluster;

/// <summary>A node as <c>gluster pool list</c> has it.</summary>
/// <param name="Uuid">What it is known by in every answer.</param>
/// <param name="Hostname">The name that it was probed by; <c>localhost</c> for this node.</param>
/// <param name="IsConnected">Whether its daemon is connected to this node's. One that was stopped or cut off stays connected for minutes.</param>
internal sealed record Peer(string Uuid, string Hostname, bool IsConnected);

/// <summary>Reads <c>gluster pool list</c>.</summary>
internal static class PeerList
{
    public static IReadOnlyList<Peer> Parse(XElement answer) =>
        [.. answer.Elements("peerStatus").Elements("peer").Select(peer =>
            new Peer(peer.Text("uuid"), peer.Text("hostname"), peer.Count("connected") != 0))];
}
