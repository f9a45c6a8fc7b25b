namespace StorageHost.Images;

/// <summary>What the core needs to know of the storage's settings.</summary>
/// <param name="ReservePercent">What stays free of copies, in percent of the volume.</param>
/// <param name="RescanInterval">How often the directory is looked at without a call.</param>
internal sealed record VolumePolicy(int ReservePercent, TimeSpan RescanInterval);
