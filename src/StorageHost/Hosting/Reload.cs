using System.Runtime.InteropServices;
using StorageHost.Hosting.Systemd;

namespace StorageHost.Hosting;

/// <summary>Takes up changed settings on SIGHUP, while requests go on. With faults in them everything stays as it was.</summary>
internal sealed partial class Reload(Settings settings, ServiceManager manager, TimeProvider time, ILogger<Reload> log)
    : IHostedService, IDisposable
{
    private readonly Lock gate = new();
    private PosixSignalRegistration? signal;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        signal = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            // Else it would end the daemon.
            context.Cancel = true;
            Run();
        });
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => signal?.Dispose();

    /// <summary>Reads the settings, and takes up what it can of them.</summary>
    internal void Run()
    {
        lock (gate)
        {
            manager.Tell(ServiceState.Reloading(time));
            try
            {
                TakeUp(settings.ReadAgain());
            }
            catch (InvalidDataException fault)
            {
                LogFault(Settings.Describe(fault));
            }
            finally
            {
                manager.Tell(ServiceState.Ready);
            }
        }
    }

    private void TakeUp(Settings newer)
    {
        foreach (var fault in newer.Faults)
        {
            LogFault(fault);
        }

        if (newer.Faults.Count > 0)
        {
            return;
        }

        var changes = settings.TakeUp(newer);
        foreach (var (key, isTakenUp) in changes)
        {
            if (isTakenUp)
            {
                LogTakenUp(key);
            }
            else
            {
                LogForNextStart(key);
            }
        }

        if (changes.Count == 0)
        {
            LogUnchanged();
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Keeping the previous settings; the new ones are invalid: {Fault}")]
    private partial void LogFault(string fault);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Setting} has changed and is in force")]
    private partial void LogTakenUp(string setting);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Setting} has changed; restart the daemon to apply it")]
    private partial void LogForNextStart(string setting);

    [LoggerMessage(Level = LogLevel.Information, Message = "The settings were read again: none has changed")]
    private partial void LogUnchanged();
}
