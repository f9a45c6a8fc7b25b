namespace StorageHost.Api;

/// <summary>What a caller may do. Each is also the name of the authorization policy that demands it; none includes another.</summary>
internal static class Scopes
{
    /// <summary>To look: every GET but liveness.</summary>
    public const string Read = "read";

    /// <summary>To make: dup, setimage, addstorage, a disk larger.</summary>
    public const string Provision = "provision";

    /// <summary>To bring templates onto the volume.</summary>
    public const string Import = "import";

    /// <summary>To take away: deleting a host, a data disk or an image, cancelling a job.</summary>
    public const string Destroy = "destroy";

    public static IReadOnlyList<string> All { get; } = [Read, Provision, Import, Destroy];
}
