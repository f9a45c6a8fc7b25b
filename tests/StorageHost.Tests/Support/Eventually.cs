using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace StorageHost.Tests.Support;

/// <summary>Waits for what other threads are about to do, with a limit that only a fault reaches.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    public static Task HoldsAsync(Func<bool> condition, [CallerArgumentExpression(nameof(condition))] string what = "") =>
        HoldsAsync(condition, null, default, what);

    /// <summary>The same, while a clock goes on by a step at a time.</summary>
    public static async Task HoldsAsync(
        Func<bool> condition, ManualTimeProvider? clock, TimeSpan step, [CallerArgumentExpression(nameof(condition))] string what = "")
    {
        var started = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(started) > Limit)
            {
                throw new TimeoutException($"never held: {what}");
            }

            clock?.Advance(step);
            await Task.Delay(1);
        }
    }

    /// <summary>Waits for a task, but not for ever.</summary>
    public static Task<T> EndsAsync<T>(Task<T> task) => task.WaitAsync(Limit);

    /// <summary>Waits for a task, but not for ever.</summary>
    public static Task EndsAsync(Task task) => task.WaitAsync(Limit);

    /// <summary>For properties, which are not asynchronous.</summary>
    public static T Result<T>(Func<Task<T>> work) => Task.Run(work).WaitAsync(TimeSpan.FromMinutes(1)).GetAwaiter().GetResult();
}
