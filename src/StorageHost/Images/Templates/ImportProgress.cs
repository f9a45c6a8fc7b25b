namespace StorageHost.Images.Templates;

/// <summary>How far an import is.</summary>
/// <param name="Received">How many bytes have come, as they were sent.</param>
/// <param name="Made">
/// How long the file is that is made of them where that is another thing: what was sent is unwrapped, or converted. Null while it is
/// written as it comes.
/// </param>
internal readonly record struct ImportProgress(long Received, long? Made = null);
