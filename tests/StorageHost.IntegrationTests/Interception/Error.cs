namespace StorageHost.IntegrationTests.Interception;

/// <summary>An error that storage answers with.</summary>
/// <param name="Name">As the daemon's log names it.</param>
/// <param name="Number">Its number on Linux.</param>
/// <param name="Status">The HTTP status that it becomes.</param>
/// <param name="Code">The code beside it.</param>
internal sealed record Error(string Name, int Number, int Status, string Code)
{
    private const string Unavailable = "storage_unavailable";
    private const string Full = "no_space";

    public static IReadOnlyList<Error> All { get; } =
    [
        new("EIO", 5, 503, Unavailable),
        new("ENOSPC", 28, 507, Full),
        new("EDQUOT", 122, 507, Full),
        new("EROFS", 30, 503, Unavailable),
        new("ENOTCONN", 107, 503, Unavailable),
        new("ESTALE", 116, 503, Unavailable),
        new("EINTR", 4, 503, Unavailable),
    ];

    public static Error Named(string name) => All.Single(error => error.Name == name);

    public override string ToString() => Name;
}
