using System.Text.Json;

namespace StorageHost.Api.Errors;

/// <summary>What is wrong with a text that is not JSON, and where, counted from 1 as editors do; the parser counts from 0.</summary>
/// <param name="Reason">The parser's words, with a full stop.</param>
/// <param name="Place">As <c>line 3, byte 5</c>; empty when the parser does not say.</param>
internal readonly record struct JsonFault(string Reason, string Place)
{
    private const int Longest = 200;

    public static JsonFault Of(JsonException fault) => new(
        Echo.Of(fault.Message.Split([" LineNumber: ", " Path: "], StringSplitOptions.None)[0], Longest),
        fault.LineNumber is { } line ? $"line {line + 1}, byte {fault.BytePositionInLine + 1}" : "");
}
