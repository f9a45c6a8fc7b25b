namespace StorageHost.Gluster;

/// <summary>How the gluster CLI is asked; the section <c>Gluster</c>.</summary>
internal sealed class GlusterOptions
{
    /// <summary>The name of the section.</summary>
    public const string Section = "Gluster";

    /// <summary><c>Gluster:Path</c>: the program, a name in PATH or an absolute path.</summary>
    public string Path { get; set; } = "gluster";

    /// <summary><c>Gluster:Timeout</c>: how long one command may take, 00:00:01 to 00:05:00.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary><c>Gluster:PollInterval</c>: how long after one poll the next begins, give or take a tenth; 00:00:01 to 01:00:00.</summary>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary><c>Gluster:MaxBackoff</c>: the longest pause after polls that failed, from PollInterval to 1.00:00:00.</summary>
    public TimeSpan MaxBackoff { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary><c>Gluster:Node</c>: this node's name in the cluster when no brick lies on it; empty for the machine's name.</summary>
    public string Node { get; init; } = "";
}
