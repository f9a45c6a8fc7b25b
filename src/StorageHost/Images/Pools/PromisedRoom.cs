namespace StorageHost.Images.Pools;

/// <summary>
/// The room that work under way will still take: copies in the making and templates that are coming in. What they have written is
/// missing from the free room already.
/// </summary>
internal sealed class PromisedRoom
{
    private long bytes;

    /// <summary>All promises together, in bytes.</summary>
    public long Bytes => Interlocked.Read(ref bytes);

    /// <summary>Promises that much until it is changed or disposed of.</summary>
    public Promise Begin(long still)
    {
        var promise = new Promise(this);
        promise.Change(still);
        return promise;
    }

    /// <summary>What one piece of work will still take.</summary>
    internal sealed class Promise(PromisedRoom room) : IDisposable
    {
        private long own;

        /// <summary>It will still take that many bytes.</summary>
        public void Change(long still) => Interlocked.Add(ref room.bytes, still - Interlocked.Exchange(ref own, still));

        public void Dispose() => Change(0);
    }
}
