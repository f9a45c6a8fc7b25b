using StorageHost.ImageStorages;

namespace StorageHost.Gluster;

/// <summary>What the log says of looking at the cluster.</summary>
internal sealed partial class GlusterPollLog(ILogger log) : IPollLog
{
    public string OwnFault => "the Gluster cluster could not be looked at: internal error";

    [LoggerMessage(Level = LogLevel.Warning, Message = "The Gluster cluster is not known in full: {Problem}")]
    public partial void Unknown(string problem);

    [LoggerMessage(Level = LogLevel.Information, Message = "No Gluster on this node: {Reason}")]
    public partial void Absent(string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "The Gluster cluster is known in full again")]
    public partial void KnownAgain();

    [LoggerMessage(Level = LogLevel.Error, Message = "Looking at the Gluster cluster failed")]
    public partial void Broken(Exception exception);
}
