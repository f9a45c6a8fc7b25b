using FluentValidation.Results;
using StorageHost.Images.Disks;

namespace StorageHost.Api.Dispatch;

/// <summary>
/// The header <c>Idempotency-Key</c>: a word that the caller chose for its request, quoted (as the IETF's draft has it) or not.
/// </summary>
internal static class IdempotencyKey
{
    public const string Header = "Idempotency-Key";

    /// <summary>The key without its quotes; null when there is none, or when it has a fault, which is added.</summary>
    public static string? Read(string? text, List<ValidationFailure> faults)
    {
        if (text is null)
        {
            return null;
        }

        var key = text is ['"', .. var quoted, '"'] ? quoted : text;
        if (key.Length is >= 1 and <= RequestMark.MaxKeyLength && !key.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            return key;
        }

        faults.Add(new ValidationFailure(Header, $"must be 1 to {RequestMark.MaxKeyLength} printable ASCII characters without spaces"));
        return null;
    }
}
