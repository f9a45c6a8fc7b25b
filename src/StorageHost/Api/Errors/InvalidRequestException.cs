using FluentValidation.Results;

namespace StorageHost.Api.Errors;

/// <summary>A request that cannot be understood or is not valid. Its message is for the client.</summary>
internal sealed class InvalidRequestException : Exception
{
    private const int FaultsInMessage = 3;

    public InvalidRequestException(ErrorKind kind, string message)
        : base(message) => Kind = kind;

    /// <summary>A request with these faults, at least one.</summary>
    public InvalidRequestException(IReadOnlyCollection<ValidationFailure> faults)
        : base(Summary(faults))
    {
        Kind = ErrorTable.InvalidPayload;
        Errors = faults.GroupBy(fault => fault.PropertyName, StringComparer.Ordinal)
            .ToDictionary(field => field.Key, field => field.Select(fault => fault.ErrorMessage).ToArray(), StringComparer.Ordinal);
    }

    public ErrorKind Kind { get; }

    /// <summary>The faults by the field's name on the wire; null when the request as a whole is at fault.</summary>
    public IReadOnlyDictionary<string, string[]>? Errors { get; }

    private static string Summary(IReadOnlyCollection<ValidationFailure> faults)
    {
        var first = string.Join("; ", faults.Take(FaultsInMessage).Select(fault => $"{fault.PropertyName} {fault.ErrorMessage}"));
        return faults.Count > FaultsInMessage ? $"{first}; and {faults.Count - FaultsInMessage} more" : first;
    }
}
