namespace StorageHost.Files;

/// <summary>A resource that whoever is done with it does not wait to see closed.</summary>
internal sealed class ReleasedElsewhere(StorageThreads threads, IDisposable resource) : IDisposable
{
    public void Dispose() => threads.Release(resource);
}
