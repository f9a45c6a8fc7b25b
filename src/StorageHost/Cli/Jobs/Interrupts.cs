using System.Runtime.InteropServices;

namespace StorageHost.Cli.Jobs;

/// <summary>Ctrl-C while something goes on elsewhere: once stops watching it, twice stops the thing itself.</summary>
internal sealed class Interrupts : IDisposable
{
    /// <summary>How long a second one is waited for.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(3);

    private readonly CancellationTokenSource first = new();
    private readonly TaskCompletionSource second = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly PosixSignalRegistration registration;

    public Interrupts() => registration = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal =>
    {
        signal.Cancel = true;
        if (first.IsCancellationRequested)
        {
            second.TrySetResult();
        }
        else
        {
            first.Cancel();
        }
    });

    /// <summary>The first has come.</summary>
    public CancellationToken First => first.Token;

    /// <summary>Whether a second one comes soon after it.</summary>
    public async Task<bool> IsTwiceAsync() => await Task.WhenAny(second.Task, Task.Delay(Grace)) == second.Task;

    public void Dispose()
    {
        registration.Dispose();
        first.Dispose();
    }
}
