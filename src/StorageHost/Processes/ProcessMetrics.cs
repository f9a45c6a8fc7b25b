using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace StorageHost.Processes;

/// <summary>What is measured and traced of the programs that are run.</summary>
internal sealed class ProcessMetrics
{
    private static readonly ActivitySource Source = new("StorageHost.Processes");

    private readonly TimeProvider time;
    private readonly Histogram<double> runs;

    public ProcessMetrics(IMeterFactory meters, TimeProvider time)
    {
        this.time = time;
        runs = meters.Create("StorageHost").CreateHistogram(
            "storagehost.process.duration", "s", "Time that a program ran; all but the outcome succeeded are failures.", tags: null,
            new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60] });
    }

    /// <summary>Measures one run. It has a span where it is part of a request; what is polled would only fill traces of its own.</summary>
    public async Task<ProcessResult> MeasureAsync(ProcessCommand command, Func<Task<ProcessResult>> run)
    {
        var program = Path.GetFileName(command.Program);
        var started = time.GetTimestamp();
        using var span = Activity.Current is null ? null : Source.StartActivity($"run {program}");
        span?.SetTag("process.command_args", command.Arguments.ToArray());
        var outcome = "failed";
        try
        {
            var result = await run();
            span?.SetTag("process.exit.code", result.ExitCode);
            outcome = result.ExitCode == 0 ? "succeeded" : outcome;
            return result;
        }
        catch (Exception exception)
        {
            outcome = exception switch
            {
                ProcessTimedOutException => "timed_out",
                ProcessNotStartedException => "not_started",
                OperationCanceledException => "cancelled",
                _ => outcome,
            };
            throw;
        }
        finally
        {
            runs.Record(time.GetElapsedTime(started).TotalSeconds, new("program", program), new("outcome", outcome));
            span?.SetTag("storagehost.outcome", outcome)
                .SetStatus(outcome is "succeeded" or "cancelled" ? ActivityStatusCode.Unset : ActivityStatusCode.Error);
        }
    }
}
