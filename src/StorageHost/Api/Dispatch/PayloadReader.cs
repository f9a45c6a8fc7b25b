using System.Text.Json;
using FluentValidation.Results;

namespace StorageHost.Api.Dispatch;

/// <summary>
/// Reads the members of a payload in any letter case, from a JSON object and from query parameters, and collects what is wrong with their
/// kinds. An absent member, a null one and one with a fault all read as null.
/// </summary>
internal sealed class PayloadReader(JsonElement json, IQueryCollection query, List<ValidationFailure> faults, string prefix = "")
{
    public string? Text(string name, StringComparison sameness = StringComparison.Ordinal)
    {
        var inBody = BodyText(name);
        var inQuery = QueryText(name);
        return Agree(name, inBody is null || inQuery is null || string.Equals(inBody, inQuery, sameness)) ? inBody ?? inQuery : null;
    }

    public bool? Flag(string name)
    {
        bool? inBody = Member(name)?.ValueKind switch
        {
            null => null,
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => Fault<bool?>(name, "must be true or false"),
        };
        var inQuery = QueryText(name) is not { } text ? null
            : bool.TryParse(text, out var flag) ? flag
            : Fault<bool?>(name, "must be true or false");
        return Agree(name, inBody is null || inQuery is null || inBody == inQuery) ? inBody ?? inQuery : null;
    }

    public long? Number(string name) =>
        Member(name) is { } value ? Whole(value) ?? Fault<long?>(name, "must be a whole number, in digits") : null;

    /// <summary>The members of an object that is a map of whole numbers; null as a value is anything but a whole number.</summary>
    public IReadOnlyList<KeyValuePair<string, long?>> Numbers(string name) => MemberObject(name) is { } map
        ? [.. map.EnumerateObject().Select(entry => KeyValuePair.Create(entry.Name, Whole(entry.Value)))]
        : [];

    public PayloadReader Object(string name) => new(MemberObject(name) ?? default, QueryCollection.Empty, faults, $"{prefix}{name}.");

    private string? BodyText(string name)
    {
        if (Member(name) is not { } value)
        {
            return null;
        }

        try
        {
            return value.ValueKind is JsonValueKind.String ? value.GetString() : Fault<string>(name, "must be a string");
        }
        catch (InvalidOperationException)
        {
            // An escape that is half of a surrogate pair passes the parser.
            return Fault<string>(name, "must be text without lone surrogates");
        }
    }

    private string? QueryText(string name) => query[name] switch
    {
        [] => null,
        [var only] => only,
        _ => Fault<string>(name, "must be given once in the query"),
    };

    private JsonElement? MemberObject(string name) => Member(name) switch
    {
        { ValueKind: JsonValueKind.Object } value => value,
        null => null,
        _ => Fault<JsonElement?>(name, "must be an object"),
    };

    private JsonElement? Member(string name)
    {
        if (json.ValueKind is not JsonValueKind.Object)
        {
            return null;
        }

        var found = json.EnumerateObject()
            .Where(member => string.Equals(member.Name, name, StringComparison.OrdinalIgnoreCase))
            .Where(member => member.Value.ValueKind is not JsonValueKind.Null)
            .ToList();
        return found.Count > 1 ? Fault<JsonElement?>(name, "must be given once, not in several letter cases")
            : found is [var only] ? only.Value
            : null;
    }

    // A number too long for a long is still a whole one; it is outside of every range.
    private static long? Whole(JsonElement value) => value.ValueKind is not JsonValueKind.Number ? null
        : value.TryGetInt64(out var number) ? number
        : value.GetRawText().AsSpan().ContainsAny(".eE") ? null
        : long.MaxValue;

    private bool Agree(string name, bool agree)
    {
        if (!agree)
        {
            Fault<object>(name, "must be the same in the body and in the query");
        }

        return agree;
    }

    private T? Fault<T>(string name, string fault)
    {
        faults.Add(new ValidationFailure(prefix + name, fault));
        return default;
    }
}
