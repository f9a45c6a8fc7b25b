using System.Globalization;
using System.Text.Json;

namespace StorageHost.Cli.Output;

/// <summary>How a value is shown to people.</summary>
internal enum ColumnKind
{
    /// <summary>As it is.</summary>
    Text,

    /// <summary>Bytes, in powers of 1024.</summary>
    Bytes,

    /// <summary>KiB, shown as bytes are.</summary>
    Kibibytes,

    /// <summary>A time, to the second.</summary>
    Time,

    /// <summary>A list: how many it has.</summary>
    Count,

    /// <summary>A list of words, with commas in between.</summary>
    List,
}

/// <summary>A column of a table.</summary>
/// <param name="Header">What stands above it.</param>
/// <param name="Path">The member that it shows; dots lead into objects.</param>
/// <param name="Kind">How.</param>
/// <param name="IsWide">Whether it shows only where everything does.</param>
internal sealed record Column(string Header, string Path, ColumnKind Kind = ColumnKind.Text, bool IsWide = false)
{
    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

    /// <summary>What a program reads: null is empty, a list is its entries with blanks in between.</summary>
    public string Raw(JsonElement row) => Find(row) is { } value ? Plain(value, " ") : "";

    /// <summary>What people read; no control character of a server gets to a terminal.</summary>
    public string Shown(JsonElement row) => Find(row) is not { } value ? "-" : Kind switch
    {
        ColumnKind.Bytes when value.TryGetInt64(out var bytes) => Bytes(bytes),
        ColumnKind.Kibibytes when value.TryGetInt64(out var kib) => Bytes(kib * 1024),
        ColumnKind.Time when value.TryGetDateTimeOffset(out var time) =>
            time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture),
        ColumnKind.Count when value.ValueKind == JsonValueKind.Array => value.GetArrayLength().ToString(CultureInfo.InvariantCulture),
        _ => Safe(Plain(value, ", ")) is { Length: > 0 } text ? text : "-",
    };

    /// <summary>A number of bytes with three digits at most before its unit.</summary>
    public static string Bytes(long bytes)
    {
        var (size, unit) = ((double)bytes, 0);
        while (size >= 1023.5 && unit < Units.Length - 1)
        {
            (size, unit) = (size / 1024, unit + 1);
        }

        var digits = size >= 9.95 || unit == 0 ? "0" : "0.#";
        return $"{size.ToString(digits, CultureInfo.InvariantCulture)} {Units[unit]}";
    }

    /// <summary>A text without control characters.</summary>
    public static string Safe(string text) =>
        text.AsSpan().ContainsAnyInRange('\0', '\u001f') || text.AsSpan().ContainsAnyInRange('\u007f', '\u009f')
            ? string.Concat(text.Select(letter => char.IsControl(letter) ? '?' : letter))
            : text;

    private JsonElement? Find(JsonElement row)
    {
        foreach (var part in Path.Split('.'))
        {
            if (row.ValueKind != JsonValueKind.Object || !row.TryGetProperty(part, out row))
            {
                return null;
            }
        }

        return row.ValueKind == JsonValueKind.Null ? null : row;
    }

    private string Plain(JsonElement value, string between) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.True => "yes",
        JsonValueKind.False => "no",
        JsonValueKind.Array when Kind == ColumnKind.Count => value.GetArrayLength().ToString(CultureInfo.InvariantCulture),
        JsonValueKind.Array => string.Join(between, value.EnumerateArray().Select(each => Plain(each, between))),
        _ => value.GetRawText(),
    };
}
