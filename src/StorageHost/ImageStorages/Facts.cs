namespace StorageHost.ImageStorages;

/// <summary>What was last learnt of something that is polled. A request reads it and never waits for newer.</summary>
/// <param name="Value">The last good facts; null when there never were any.</param>
/// <param name="TakenAt">When they were taken; null when there never were any.</param>
/// <param name="Problem">Why the last attempt to renew them failed, in words; null when it did not.</param>
internal sealed record Facts<T>(T? Value, DateTimeOffset? TakenAt, string? Problem)
    where T : class
{
    /// <summary>What single parts lack, in words; null when nothing. It is no problem: the others are known as ever.</summary>
    public string? Gap { get; init; }

    /// <summary>Nothing was learnt yet.</summary>
    public static Facts<T> None { get; } = new(null, null, null);
}
