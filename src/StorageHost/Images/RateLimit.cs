namespace StorageHost.Images;

/// <summary>Keeps a stream of bytes below a rate, averaged from its beginning.</summary>
/// <param name="bytesPerSecond">The rate; 0: none.</param>
/// <param name="time">The clock.</param>
internal sealed class RateLimit(long bytesPerSecond, TimeProvider time)
{
    private readonly long started = time.GetTimestamp();

    /// <summary>Waits until that many bytes, in all, may have been sent.</summary>
    public async ValueTask WaitAsync(long bytes, CancellationToken cancellationToken)
    {
        if (bytesPerSecond > 0 && TimeSpan.FromSeconds((double)bytes / bytesPerSecond) - time.GetElapsedTime(started) is { Ticks: > 0 } early)
        {
            await Task.Delay(early, time, cancellationToken);
        }
    }
}
