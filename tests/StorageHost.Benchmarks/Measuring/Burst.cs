using System.Diagnostics;

namespace StorageHost.Benchmarks.Measuring;

/// <summary>The same thing done many times by some threads at once.</summary>
/// <param name="Latencies">How long each took, in milliseconds.</param>
/// <param name="PerSecond">How many were done in a second by all threads together.</param>
internal sealed record Burst(double[] Latencies, double PerSecond)
{
    /// <summary>Runs it: each thread has a resource of its own, and the numbers count through all threads.</summary>
    /// <param name="threads">How many threads; all start together.</param>
    /// <param name="each">How many times each thread acts.</param>
    /// <param name="open">Makes a thread's resource, outside of what is measured.</param>
    /// <param name="act">What is measured.</param>
    public static Burst Run<T>(int threads, int each, Func<T> open, Action<T, int> act)
        where T : IDisposable?
    {
        var latencies = new double[threads * each];
        var spans = new (long Start, long End)[threads];
        var faults = new Exception?[threads];
        var resources = Enumerable.Range(0, threads).Select(_ => open()).ToArray();
        using var ready = new Barrier(threads);
        var all = Enumerable.Range(0, threads).Select(thread => new Thread(() =>
        {
            ready.SignalAndWait();
            spans[thread].Start = Stopwatch.GetTimestamp();
            try
            {
                for (var number = thread * each; number < (thread + 1) * each; number++)
                {
                    latencies[number] = Time(() => act(resources[thread], number));
                }
            }
#pragma warning disable CA1031 // Carried to the thread that asked.
            catch (Exception fault)
#pragma warning restore CA1031
            {
                faults[thread] = fault;
            }

            spans[thread].End = Stopwatch.GetTimestamp();
        })).ToList();
        all.ForEach(thread => thread.Start());
        all.ForEach(thread => thread.Join());
        Array.ForEach(resources, resource => resource?.Dispose());
        if (faults.OfType<Exception>().FirstOrDefault() is { } first)
        {
            throw new InvalidOperationException("a thread failed", first);
        }

        var whole = Stopwatch.GetElapsedTime(spans.Min(span => span.Start), spans.Max(span => span.End));
        return new Burst(latencies, latencies.Length / whole.TotalSeconds);
    }

    /// <summary>Does something once.</summary>
    /// <returns>How long it took, in milliseconds.</returns>
    public static double Time(Action act)
    {
        var start = Stopwatch.GetTimestamp();
        act();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }
}
