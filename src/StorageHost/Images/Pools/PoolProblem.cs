namespace StorageHost.Images.Pools;

/// <summary>What keeps a pool from being filled.</summary>
/// <param name="Message">It in words, for the operator.</param>
/// <param name="Since">When it was first seen.</param>
/// <param name="Reason">What was refused; null for a reason of another kind.</param>
/// <param name="NeededBytes">How many bytes must be free above the reserve; null when it is no question of room.</param>
internal sealed record PoolProblem(string Message, DateTimeOffset Since, Refusal? Reason = null, long? NeededBytes = null)
{
    /// <summary>Whether it is the same that goes on. The numbers of what is free change meanwhile.</summary>
    public bool IsSameAs(PoolProblem other) =>
        Message == other.Message || (IsOfRoom && other.IsOfRoom && NeededBytes == other.NeededBytes);

    /// <summary>Whether the storage would not answer, so that it goes when the storage does.</summary>
    public bool IsOfStorage => Reason is Refusal.StorageUnavailable or Refusal.StorageTimeout;

    private bool IsOfRoom => Reason is Refusal.NoSpace || NeededBytes is not null;
}
