using System.Threading.Channels;
using StorageHost.Images;

namespace StorageHost.Files.Session;

/// <summary>
/// How many storage calls of one kind may be under way. A place is given back when its call returns, not when its caller gives up: so calls
/// that hang keep their places, and take no thread from calls of other kinds.
/// </summary>
/// <param name="places">How many.</param>
/// <param name="waitLimit">How long a call waits for a place; null: as long as it would wait for the storage.</param>
/// <param name="time">The clock.</param>
internal sealed class StorageShare(int places, TimeSpan? waitLimit, TimeProvider time)
{
    private readonly Channel<bool> taken = Channel.CreateBounded<bool>(places);

    /// <summary>Takes a place.</summary>
    /// <exception cref="RefusedException">StorageUnavailable: none became free.</exception>
    public async ValueTask EnterAsync(string operation, TimeSpan deadline)
    {
        if (taken.Writer.TryWrite(true))
        {
            return;
        }

        using var late = new CancellationTokenSource(waitLimit ?? deadline, time);
        try
        {
            await taken.Writer.WriteAsync(true, late.Token);
        }
        catch (OperationCanceledException exception)
        {
            throw new RefusedException(
                Refusal.StorageUnavailable, $"earlier calls have not returned from the storage: {operation}", exception);
        }
    }

    /// <summary>Takes a place, however long it takes.</summary>
    public ValueTask EnterAsync() => taken.Writer.WriteAsync(true);

    /// <summary>Gives a place back.</summary>
    public void Leave() => taken.Reader.TryRead(out _);
}
