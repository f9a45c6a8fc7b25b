using System.Diagnostics;
using StorageHost.Api.Errors;
using StorageHost.Images.Names;

namespace StorageHost.Api.Dispatch;

/// <summary>A name of the wire, parsed once: the validators ask for its fault, and what passes them is used as it is here.</summary>
/// <param name="text">The name as it came; null when it did not.</param>
/// <param name="fault">What would be right, in words; null when it is a name.</param>
/// <param name="value">What it was parsed to.</param>
internal readonly struct ParsedName<T>(string? text, string? fault, T? value)
{
    /// <summary>The name as it came.</summary>
    public string? Text => text;

    /// <summary>What is wrong with it, worded to be read after the field's name; null when nothing is.</summary>
    public string? Fault => Worded(fault);

    /// <summary>What it was parsed to.</summary>
    /// <exception cref="UnreachableException">It is no name, and nobody has asked.</exception>
    public T Value => fault is null ? value! : throw new UnreachableException("a name that was not validated is none");

    /// <summary>What is wrong with it where something new is to bear it.</summary>
    /// <param name="rule">What more is asked of the text, worded as a fault; null when nothing.</param>
    public string? NewFault(Func<string, string?>? rule = null) =>
        Worded(fault ?? rule?.Invoke(text!) ?? FileNames.NewNameFault(text!));

    private string? Worded(string? what) =>
        what is null ? null : string.IsNullOrEmpty(text) ? "is required" : $"{what}; it is '{Echo.Of(text)}'";
}

/// <summary>Parses names of the wire.</summary>
internal static class ParsedName
{
    public static ParsedName<ImageName> Image(this FileNames names, string? text) =>
        new(text, names.ParseImage(text, out var image), image);

    public static ParsedName<Hostname> Host(this FileNames names, string? text) =>
        new(text, names.ParseHostname(text, out var hostname), hostname);

    public static ParsedName<FileName> AnyDisk(this FileNames names, string? text) =>
        new(text, names.ParseAnyDisk(text, out var disk), disk);

    public static ParsedName<DataDiskEntry> DataDisk(this FileNames names, string? text) =>
        new(text, names.ParseDataDisk(text, out var disk), disk);
}
