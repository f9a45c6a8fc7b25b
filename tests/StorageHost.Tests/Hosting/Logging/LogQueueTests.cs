using System.Collections.Concurrent;
using Serilog;
using Serilog.Core;
using Serilog.Events;
using StorageHost.Hosting.Logging;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Hosting.Logging;

public sealed class LogQueueTests
{
    private const int Many = 20_000; // more than may wait

    [Fact]
    public async Task Where_nobody_reads_nobody_waits_and_what_is_dropped_is_counted()
    {
        using var reader = new Reader();
        using var queue = new LogQueue(reader);
        await using var log = new LoggerConfiguration().WriteTo.Sink(queue).CreateLogger();

        for (var number = 0; number < Many; number++)
        {
            log.Information("a line");
        }

        var dropped = queue.Dropped;
        Assert.InRange(dropped, Many / 2, Many - 1);
        reader.Begin();
        await Eventually.HoldsAsync(() => reader.Count == Many - dropped);
        Assert.Equal(dropped, queue.Dropped);
    }

    [Fact]
    public async Task While_lines_are_dropped_those_of_the_audit_still_wait_in_their_order()
    {
        using var reader = new Reader();
        using var queue = new LogQueue(reader);
        await using var log = new LoggerConfiguration().WriteTo.Sink(queue).CreateLogger();
        var audit = log.ForContext(Constants.SourceContextPropertyName, "StorageHost.Api.AuditLog");

        for (var number = 0; number < Many; number++)
        {
            log.ForContext(Constants.SourceContextPropertyName, "StorageHost.Api.RequestLog").Information("a line");
            audit.Information("{Number}", number);
        }

        // The first hundreds of both fill the queue together, and then there is room for the audit alone.
        Assert.InRange(queue.Dropped, Many - 4096, Many - 1);
        reader.Begin();
        await Eventually.HoldsAsync(() => reader.Count == (2 * Many) - queue.Dropped);
        Assert.Equal(Enumerable.Range(0, Many), reader.Numbers);
    }

    [Fact]
    public async Task The_audit_too_has_an_end()
    {
        using var reader = new Reader();
        using var queue = new LogQueue(reader);
        await using var log = new LoggerConfiguration().WriteTo.Sink(queue).CreateLogger();
        var audit = log.ForContext(Constants.SourceContextPropertyName, "StorageHost.Api.AuditLog");
        for (var number = 0; number < 40_000; number++)
        {
            audit.Information("{Number}", number);
        }

        // The reader has at most one in its hand.
        Assert.InRange(queue.Dropped, 40_000 - 4096 - 32_768 - 1, 40_000 - 4096 - 32_768);
    }

    [Fact]
    public void What_waits_is_written_at_the_end()
    {
        using var reader = new Reader();
        reader.Begin();
        using (var log = new LoggerConfiguration().WriteTo.Sink(new LogQueue(reader)).CreateLogger())
        {
            log.Information("the last line");
        }

        Assert.Equal(1, reader.Count);
    }

    /// <summary>Reads nothing until it is told to.</summary>
    private sealed class Reader : ILogEventSink, IDisposable
    {
        private readonly ManualResetEventSlim reads = new();
        private int count;

        public int Count => Volatile.Read(ref count);

        public ConcurrentQueue<int> Numbers { get; } = [];

        public void Begin() => reads.Set();

        public void Emit(LogEvent logEvent)
        {
            reads.Wait();
            if (logEvent.Properties.GetValueOrDefault("Number") is ScalarValue { Value: int number })
            {
                Numbers.Enqueue(number);
            }

            Interlocked.Increment(ref count);
        }

        public void Dispose() => reads.Set();
    }
}
