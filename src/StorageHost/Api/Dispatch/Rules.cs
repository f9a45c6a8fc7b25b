using FluentValidation;
using FluentValidation.Results;
using StorageHost.Api.Errors;
using StorageHost.Images.Names;

namespace StorageHost.Api.Dispatch;

/// <summary>The rules that the validators share. A field has its name on the wire; a fault is worded to be read after that name.</summary>
internal static class Rules
{
    public static void ImageName<T>(this IRuleBuilder<T, string?> rule, string field, FileNames names) =>
        rule.Custom((text, context) => context.AddFault(field, ImageFault(names, text, out _)));

    public static void Hostname<T>(this IRuleBuilder<T, string?> rule, string field, FileNames names) =>
        rule.Custom((text, context) => context.AddFault(field, NameFault(text, names.ParseHostname(text, out _))));

    public static void DataDisk<T>(this IRuleBuilder<T, string?> rule, string field, FileNames names) =>
        rule.Custom((text, context) => context.AddFault(field, NameFault(text, names.ParseDataDisk(text, out _))));

    /// <summary>The name of an image that something is to be made of.</summary>
    public static void NewImageName<T>(this IRuleBuilder<T, string?> rule, string field, FileNames names) =>
        rule.Custom((text, context) => context.AddFault(field, ImageFault(names, text, out _) ?? NewNameFault(text)));

    /// <summary>
    /// The name of a host that something is to be made for. One that ends as disks do was a file's name; a host that has it from before can still
    /// be deleted.
    /// </summary>
    public static void NewHostname<T>(this IRuleBuilder<T, string?> rule, string field, FileNames names) =>
        rule.Custom((text, context) => context.AddFault(field, NameFault(text, names.ParseHostname(text, out _) ?? SuffixFault(text!)) ?? NewNameFault(text)));

    public static string? NewNameFault(string? text) => NameFault(text, FileNames.NewNameFault(text ?? ""));

    public static void WholeNumber<T>(this IRuleBuilder<T, long?> rule, string field, int least, Func<int> most) =>
        rule.Custom((number, context) => context.AddFault(field, number is null ? "is required" : NumberFault(number, least, most())));

    public static string? ImageFault(FileNames names, string? text, out ImageName image) =>
        NameFault(text, names.ParseImage(text, out image));

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

    private static string? NameFault(string? text, string? fault) =>
        fault is null ? null : string.IsNullOrEmpty(text) ? "is required" : $"{fault}; it is '{Echo.Of(text)}'";
}
