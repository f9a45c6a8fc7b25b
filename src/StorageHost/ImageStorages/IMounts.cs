namespace StorageHost.ImageStorages;

/// <summary>The mount table (port; implemented in Files).</summary>
internal interface IMounts
{
    /// <summary>
    /// The number, <c>major:minor</c>, of the device that a path lies on; null when nobody can tell. The path itself is never
    /// touched: what is mounted there may hang.
    /// </summary>
    string? DeviceOf(string path);
}
