using FluentValidation;
using FluentValidation.Results;
using StorageHost.Images.Names;

namespace StorageHost.Api.Dispatch;

/// <summary>The rules that the validators share. A field has its name on the wire; a fault is worded to be read after that name.</summary>
internal static class Rules
{
    public static void Name<T, TName>(this IRuleBuilder<T, ParsedName<TName>> rule, string field) =>
        rule.Custom((name, context) => context.AddFault(field, name.Fault));

    /// <summary>The name of an image that something is to be made of.</summary>
    public static void NewImage<T>(this IRuleBuilder<T, ParsedName<ImageName>> rule, string field) =>
        rule.Custom((name, context) => context.AddFault(field, name.NewFault()));

    /// <summary>
    /// The name of a host that something is to be made for. One that ends as disks do was a file's name; a host that has it from before can
    /// still be deleted.
    /// </summary>
    public static void NewHost<T>(this IRuleBuilder<T, ParsedName<Hostname>> rule, string field) =>
        rule.Custom((name, context) => context.AddFault(field, name.NewFault(SuffixFault)));

    public static void WholeNumber<T>(this IRuleBuilder<T, long?> rule, string field, int least, Func<int> most) =>
        rule.Custom((number, context) => context.AddFault(field, number is null ? "is required" : NumberFault(number, least, most())));

    /// <summary>A number that may be absent.</summary>
    public static void NumberIfAny<T>(this IRuleBuilder<T, long?> rule, string field, int least, Func<int> most) =>
        rule.Custom((number, context) => context.AddFault(field, number is null ? null : NumberFault(number, least, most())));

    public static string? NumberFault(long? number, int least, int most) =>
        number >= least && number <= most ? null : $"must be a whole number from {least} to {most}";

    /// <summary>Adds a fault as it stands: the validator's own way would take braces in it for placeholders.</summary>
    public static void AddFault<T>(this ValidationContext<T> context, string field, string? fault)
    {
        if (fault is not null)
        {
            context.AddFailure(new ValidationFailure(field, fault));
        }
    }

    private static string? SuffixFault(string hostname) => hostname.EndsWith(FileNames.DiskSuffix, StringComparison.OrdinalIgnoreCase)
        ? $"must be the host's name alone: the daemon adds '{FileNames.DiskSuffix}' to name its disk"
        : null;
}
