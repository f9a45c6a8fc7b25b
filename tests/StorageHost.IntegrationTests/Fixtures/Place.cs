namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>Where a daemon can run: this machine itself, or one node of the cluster.</summary>
/// <param name="Address">The address that it listens at there.</param>
/// <param name="Enter">The command that enters the place; empty for this machine.</param>
/// <param name="Root">Where the place's file system begins as seen from here; empty for this machine.</param>
internal sealed record Place(string Address, IReadOnlyList<string> Enter, string Root)
{
    public static Place Here { get; } = new("127.0.0.1", [], "");

    public string[] Command(params string[] command) => [.. Enter, .. command];

    public Task<string> RunAsync(params string[] command) => Shell.RunAsync(Command(command));

    /// <summary>The path by which this machine reaches a file of the place.</summary>
    public string Seen(string path) => Root + path;
}

/// <summary>A mounted file system and the places that have it.</summary>
internal sealed record Volume(string MountPoint, IReadOnlyList<Place> Places);
