using System.Diagnostics;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>Waits for a condition, never just for time to pass.</summary>
internal static class Wait
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(25);

    public static Task UntilAsync(string what, Func<Task<bool>> holds, int seconds = 20, TimeSpan? pause = null) =>
        ForAsync(what, async () => await holds() ? what : null, seconds, pause);

    /// <summary>Asks until there is an answer; fails with <paramref name="what"/> when the limit is over.</summary>
    public static async Task<T> ForAsync<T>(string what, Func<Task<T?>> ask, int seconds = 20, TimeSpan? pause = null)
        where T : class
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            if (await ask() is { } answer)
            {
                return answer;
            }

            if (clock.Elapsed.TotalSeconds > seconds)
            {
                throw new TimeoutException($"Waited {seconds} s in vain: {what}");
            }

            await Task.Delay(pause ?? Pause);
        }
    }
}
