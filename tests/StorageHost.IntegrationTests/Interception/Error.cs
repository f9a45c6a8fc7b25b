namespace StorageHost.IntegrationTests.Interception;

/// <summary>An error that storage answers with.</summary>
/// <param name="Name">As the daemon's log names it.</param>
/// <param name="Number">Its number on Linux.</param>
/// <param name="Text">As qemu-img words it.</param>
/// <param name="Status">The HTTP status that it becomes.</param>
/// <param name="Code">The code beside it.</param>
internal sealed record Error(string Name, int Number, string Text, int Status, string Code)
{
    private const string Unavailable = "storage_unavailable";
    private const string Full = "no_space";

    public static IReadOnlyList<Error> All { get; } =
    [
        new("EIO", 5, "Input/output error", 503, Unavailable),
        new("ENOSPC", 28, "No space left on device", 507, Full),
        new("EDQUOT", 122, "Disk quota exceeded", 507, Full),
        new("EROFS", 30, "Read-only file system", 503, Unavailable),
        new("ENOTCONN", 107, "Transport endpoint is not connected", 503, Unavailable),
        new("ESTALE", 116, "Stale file handle", 503, Unavailable),
        new("EINTR", 4, "Interrupted system call", 503, Unavailable),
    ];

    public static Error Named(string name) => All.Single(error => error.Name == name);

    public override string ToString() => Name;
}
