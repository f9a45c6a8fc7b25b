using FluentValidation.Results;

namespace StorageHost.Api.Templates;

/// <summary>The SHA-256 that a sender says its content has: in the query, or in the header <c>Repr-Digest</c> (RFC 9530).</summary>
internal static class ExpectedDigest
{
    public const string Parameter = "sha256";
    public const string Header = "Repr-Digest";

    private const string Algorithm = "sha-256";
    private const int Bytes = 32;

    /// <summary>The digest in lower-case hexadecimal digits; null when none is asked for, or when it has a fault, which is added.</summary>
    public static string? Read(HttpRequest request, List<ValidationFailure> faults)
    {
        var asked = request.Query.TryGetValue(Parameter, out var text) ? FromHex(text.ToString(), faults) : null;
        var headed = request.Headers.TryGetValue(Header, out var field) ? FromHeader(field.ToString(), faults) : null;
        if (asked is not null && headed is not null && asked != headed)
        {
            faults.Add(new ValidationFailure(Header, $"is not what {Parameter} says"));
        }

        return asked ?? headed;
    }

    /// <summary>The same of a digest in hexadecimal digits.</summary>
    public static string? FromHex(string text, List<ValidationFailure> faults)
    {
        if (text.Length == Bytes * 2 && text.All(char.IsAsciiHexDigit))
        {
            return text.ToLowerInvariant();
        }

        faults.Add(new ValidationFailure(Parameter, "must be a SHA-256: 64 hexadecimal digits"));
        return null;
    }

    // A dictionary of RFC 8941: algorithms with byte sequences between colons. A digest that cannot be checked must not seem to have been.
    private static string? FromHeader(string text, List<ValidationFailure> faults)
    {
        var digest = new byte[Bytes];
        foreach (var member in text.Split(',', StringSplitOptions.TrimEntries))
        {
            if (member.Split('=', 2) is [var algorithm, [':', .. var encoded, ':']]
                && algorithm.Equals(Algorithm, StringComparison.OrdinalIgnoreCase)
                && Convert.TryFromBase64String(encoded, digest, out var length) && length == Bytes)
            {
                return Convert.ToHexStringLower(digest);
            }
        }

        faults.Add(new ValidationFailure(Header, $"must hold a SHA-256: {Algorithm}=:<base64>:"));
        return null;
    }
}
