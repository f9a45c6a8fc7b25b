using System.Globalization;
using System.Text;
using System.Text.Json;
using StorageHost.ImageStorages;

namespace StorageHost.BlockDevices;

/// <summary>What lsblk said, as far as it can be read: an entry that cannot be read takes no other with it.</summary>
/// <param name="Devices">The devices that lie on no other, with what is built on them.</param>
/// <param name="Unread">How many entries could not be read.</param>
internal sealed record LsblkAnswer(IReadOnlyList<LsblkDevice> Devices, int Unread)
{
    // Each level of a tree takes two of JSON. A stack of 20 levels would be remarkable.
    private static readonly JsonDocumentOptions Options = new() { AllowTrailingCommas = true, MaxDepth = 256 };

    /// <summary>Reads its standard output.</summary>
    /// <exception cref="FactsException">Nothing of it can be read.</exception>
    public static LsblkAnswer Read(string output)
    {
        try
        {
            using var document = JsonDocument.Parse(Encoding.UTF8.GetBytes(LsblkText.Mend(output)), Options);
            if (Member(document.RootElement, "blockdevices") is { ValueKind: JsonValueKind.Array } entries)
            {
                var unread = 0;
                var devices = ReadAll(entries, ref unread);
                return devices.Count > 0 || unread == 0 ? new LsblkAnswer(devices, unread) : throw Unreadable(output);
            }
        }
        catch (JsonException)
        {
            // Told below, in lsblk's own words: those of the JSON reader say nothing to an operator.
        }

        throw Unreadable(output);
    }

    private static FactsException Unreadable(string output) =>
        new($"lsblk's answer could not be read; it begins with: {LsblkWords.Beginning(output)}");

    private static List<LsblkDevice> ReadAll(JsonElement entries, ref int unread)
    {
        var devices = new List<LsblkDevice>();
        foreach (var entry in entries.EnumerateArray())
        {
            var children = Member(entry, "children") is { ValueKind: JsonValueKind.Array } nested ? ReadAll(nested, ref unread) : [];
            if (ReadOne(entry, children) is { } device)
            {
                devices.Add(device);
            }
            else
            {
                // What is built on it is built on what it lies on.
                unread++;
                devices.AddRange(children);
            }
        }

        return devices;
    }

    private static LsblkDevice? ReadOne(JsonElement entry, List<LsblkDevice> children)
    {
        var (name, number) = (Text(entry, "name"), Text(entry, "maj:min"));
        if ((Text(entry, "kname") ?? name) is not { } kname || number is null || !IsNumber(number))
        {
            return null;
        }

        // Before 2.33 there is no PATH. Of the devices with nodes elsewhere only those of the device mapper have one that people know.
        var node = name is not null && kname.StartsWith("dm-", StringComparison.Ordinal) ? $"mapper/{name}" : kname;
        return new LsblkDevice(
            kname,
            Text(entry, "path") ?? $"/dev/{node}",
            number,
            Text(entry, "type"),
            long.TryParse(Text(entry, "size"), NumberStyles.None, CultureInfo.InvariantCulture, out var size) ? size : null,
            Text(entry, "vendor"),
            Text(entry, "model"),
            Text(entry, "serial"),
            Text(entry, "wwn"),
            Text(entry, "tran"),
            children);
    }

    private static bool IsNumber(string text) => text.Split(':') is [var major, var minor] && IsPart(major) && IsPart(minor);

    private static bool IsPart(string text) => text.Length > 0 && text.All(char.IsAsciiDigit);

    private static JsonElement? Member(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var member) ? member : null;

    /// <summary>A string without its padding, or a number as it is written; null for anything else, and for what is empty.</summary>
    private static string? Text(JsonElement entry, string name) => Member(entry, name) switch
    {
        { ValueKind: JsonValueKind.String } text => LsblkWords.Clean(text.GetString()!) is { Length: > 0 } clean ? clean : null,
        { ValueKind: JsonValueKind.Number } number => number.GetRawText(),
        _ => null,
    };
}
