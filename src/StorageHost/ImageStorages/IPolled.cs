namespace StorageHost.ImageStorages;

/// <summary>
/// What facts are taken of (port; implemented in Gluster, BlockDevices and Files). It asks and reads the answer. When it is asked, and what
/// becomes of the answer, is up to <see cref="PolledFacts{T}"/>.
/// </summary>
internal interface IPolled<T>
    where T : class
{
    /// <summary>How it is polled; read before each look and each pause.</summary>
    PollPace Pace { get; }

    /// <summary>Looks once. What comes first is shown already while the rest is still asked for.</summary>
    /// <returns>The facts as they become known, each with when they were taken; null for now.</returns>
    /// <exception cref="FactsException">They cannot be had now.</exception>
    IAsyncEnumerable<Facts<T>> LookAsync(CancellationToken cancellationToken);
}

/// <summary>How something is polled.</summary>
/// <param name="Interval">The pause after a look, give or take a tenth.</param>
/// <param name="MaxPause">The longest pause after looks that failed, each of which doubles it; the interval where it is not to
/// grow.</param>
/// <param name="Deadline">How long one look may take; infinite where every step of it has a deadline and nobody knows how many there
/// are.</param>
internal readonly record struct PollPace(TimeSpan Interval, TimeSpan MaxPause, TimeSpan Deadline);

/// <summary>Facts could not be had. The message says why, in words for the client.</summary>
internal class FactsException(string message, Exception? innerException = null) : Exception(message, innerException)
{
    /// <summary>Whether there is nothing here to be asked: no problem where there never was.</summary>
    public virtual bool IsAbsence => false;
}
