using System.Diagnostics;
using System.Globalization;
using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.IntegrationTests.Interception;

/// <summary>
/// Stands between a running daemon, with the programs that it starts, and its storage directory: every system call there is shown to a
/// judge before it is made, one at a time. strace can fail or kill at the Nth call as well, but counts each thread and each name by itself.
/// </summary>
internal sealed class Interceptor : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Process tracer;
    private readonly Func<SystemCall, Task<Verdict>> judge;
    private readonly TaskCompletionSource attached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task judging;

    private Interceptor(Process tracer, Func<SystemCall, Task<Verdict>> judge)
    {
        (this.tracer, this.judge) = (tracer, judge);
        judging = JudgeAsync();
    }

    /// <summary>Takes hold of every thread of a daemon.</summary>
    /// <param name="daemon">The daemon.</param>
    /// <param name="directory">Its storage directory as it names it.</param>
    /// <param name="judge">Is shown each call while the thread that makes it waits; says what becomes of it.</param>
    public static async Task<Interceptor> AttachAsync(Daemon daemon, string directory, Func<SystemCall, Task<Verdict>> judge)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(Tracer).Assembly.Location, daemon.Pid.ToString(CultureInfo.InvariantCulture), directory])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        var interceptor = new Interceptor(Process.Start(start)!, judge);
        await Task.WhenAny(interceptor.attached.Task, interceptor.judging).WaitAsync(Patience);
        return interceptor.attached.Task.IsCompleted ? interceptor : throw new InvalidOperationException($"Daemon {daemon.Pid} could not be traced.");
    }

    /// <summary>Slows copying down at any speed of the storage, also for callers who wait: these the daemon's own limit spares.</summary>
    /// <param name="daemon">The daemon.</param>
    /// <param name="area">Its storage directory.</param>
    /// <param name="milliseconds">How long each write waits before it is made, one after the other.</param>
    public static Task<Interceptor> SlowWritesAsync(Daemon daemon, StorageArea area, int milliseconds = 20) => AttachAsync(daemon, area.Directory, async call =>
    {
        await Task.Delay(call.Name is "pwrite64" ? milliseconds : 0);
        return Verdict.Pass;
    });

    /// <summary>Lets go of the daemon, which goes on as if nothing had been.</summary>
    public async ValueTask DisposeAsync()
    {
        tracer.StandardInput.BaseStream.Close();
        await judging.WaitAsync(Patience);
        await tracer.WaitForExitAsync().WaitAsync(Patience);
        tracer.Dispose();
    }

    private async Task JudgeAsync()
    {
        try
        {
            while (await tracer.StandardOutput.ReadLineAsync() is { } line)
            {
                if (line == Tracer.Attached)
                {
                    attached.SetResult();
                }
                else
                {
                    await AnswerAsync(await judge(SystemCall.Parse(line)));
                }
            }
        }
        finally
        {
            // A judge that failed must not keep the daemon waiting.
            tracer.StandardInput.BaseStream.Close();
        }
    }

    private async Task AnswerAsync(Verdict verdict)
    {
        try
        {
            await tracer.StandardInput.WriteLineAsync(verdict.ToLine());
            await tracer.StandardInput.FlushAsync();
        }
        catch (Exception left) when (left is ObjectDisposedException or IOException)
        {
            // It was told to leave meanwhile, and lets the call pass.
        }
    }
}
