namespace StorageHost.Images.Pools;

/// <summary>Keeps a stream of bytes below a rate, averaged from its beginning, or from when the rate was changed.</summary>
/// <param name="bytesPerSecond">The rate now; 0: none.</param>
/// <param name="time">The clock.</param>
internal sealed class RateLimit(Func<long> bytesPerSecond, TimeProvider time)
{
    private long rate = bytesPerSecond();
    private long started = time.GetTimestamp();
    private long sent;

    /// <summary>Waits until that many bytes, in all, may have been sent.</summary>
    public async ValueTask WaitAsync(long bytes, CancellationToken cancellationToken)
    {
        if (bytesPerSecond() is var now && now != rate)
        {
            (rate, started, sent) = (now, time.GetTimestamp(), bytes);
        }

        if (rate > 0 && TimeSpan.FromSeconds((double)(bytes - sent) / rate) - time.GetElapsedTime(started) is { Ticks: > 0 } early)
        {
            await Task.Delay(early, time, cancellationToken);
        }
    }
}
