using StorageHost.Cli.Output;

namespace StorageHost.Cli.Jobs;

/// <summary>What is shown of a job.</summary>
internal static class JobColumns
{
    public static IReadOnlyList<Column> All { get; } =
    [
        new("ID", "id"), new("KIND", "kind"), new("IMAGE", "image"), new("HOST", "hostname"), new("STATE", "state"),
        new("DONE", "bytes_done", ColumnKind.Bytes), new("TOTAL", "bytes_total", ColumnKind.Bytes),
        new("COPIES", "copies_done", IsWide: true), new("OF", "copies_total", IsWide: true),
        new("RATE", "bytes_per_second", ColumnKind.Bytes, IsWide: true), new("ETA", "eta_seconds", IsWide: true),
        new("DISK", "disk", IsWide: true), new("CREATED", "created", ColumnKind.Time), new("ENDED", "ended", ColumnKind.Time, IsWide: true),
        new("ERROR", "error"),
    ];
}
