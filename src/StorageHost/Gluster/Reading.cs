namespace StorageHost.Gluster;

/// <summary>What was read of an answer.</summary>
/// <param name="Items">All that could be read.</param>
/// <param name="Unread">What could not, in words; null when nothing was left out.</param>
internal sealed record Reading<T>(IReadOnlyList<T> Items, string? Unread = null);
