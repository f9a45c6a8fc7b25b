using StorageHost.Images.Templates;

namespace StorageHost.Qemu.Foreign;

/// <summary>What was found of an image in another format.</summary>
/// <param name="Fault">Why it must not be converted; null when its header has no fault.</param>
/// <param name="Check">What looks through its tables; null when there are none, or the header is broken.</param>
internal readonly record struct ForeignParts(string? Fault, IWholeCheck? Check = null);
