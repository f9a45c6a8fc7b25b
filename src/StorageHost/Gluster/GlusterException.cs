using StorageHost.ImageStorages;

namespace StorageHost.Gluster;

/// <summary>The gluster CLI gave no usable answer.</summary>
internal sealed class GlusterException(GlusterFault fault, string message, Exception? innerException = null)
    : FactsException(message, innerException)
{
    /// <summary>What kind of failure it is; the message tells an operator the rest.</summary>
    public GlusterFault Fault { get; } = fault;

    /// <summary>A node on which Gluster was never seen to run has no problem.</summary>
    public override bool IsAbsence => Fault is GlusterFault.NotInstalled or GlusterFault.NotRunning;
}

/// <summary>Why the gluster CLI gave no usable answer.</summary>
internal enum GlusterFault
{
    /// <summary>It said that the command failed.</summary>
    Failed,

    /// <summary>It answered, and the answer, or a part of it, cannot be read.</summary>
    Unreadable,

    /// <summary>The program is not there.</summary>
    NotInstalled,

    /// <summary>The daemon that it asks does not run on this node.</summary>
    NotRunning,

    /// <summary>It did not answer in time.</summary>
    Hung,

    /// <summary>Another command holds the cluster's or the volume's lock.</summary>
    Busy,
}
