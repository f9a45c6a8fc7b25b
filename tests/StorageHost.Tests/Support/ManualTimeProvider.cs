using Microsoft.Extensions.Time.Testing;

namespace StorageHost.Tests.Support;

/// <summary>A clock that stands still until it is moved. It tells how many timers are set, and can be set while no time goes by.</summary>
internal sealed class ManualTimeProvider() : FakeTimeProvider(Start)
{
    /// <summary>Where it begins: later than any file that a test makes was written.</summary>
    public static new readonly DateTimeOffset Start = new(2040, 5, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly Dictionary<object, long> runs = [];
    private TimeSpan set;

    /// <summary>How many timers are set.</summary>
    public int Timers
    {
        get
        {
            lock (runs)
            {
                return runs.Count;
            }
        }
    }

    /// <summary>How long each timer that is set still waits.</summary>
    public IReadOnlyList<TimeSpan> Waits
    {
        get
        {
            lock (runs)
            {
                return [.. runs.Values.Select(due => TimeSpan.FromTicks(due - GetTimestamp()))];
            }
        }
    }

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + set;

    // That of the base class goes by the time that is shown.
    public override long GetTimestamp() => base.GetUtcNow().Ticks;

    /// <summary>Sets the clock on or back by that much, as an operator does: no time goes by.</summary>
    public void Set(TimeSpan by) => set += by;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new CountedTimer(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Each time that it is set is a run of its own, so that a ring under way takes nothing from the next run.</summary>
    private sealed class CountedTimer(ManualTimeProvider clock, Action ring) : ITimer
    {
        private object? run;
        private ITimer? timer;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            timer?.Dispose();
            End(run);
            if (dueTime >= TimeSpan.Zero)
            {
                var next = run = new object();
                lock (clock.runs)
                {
                    clock.runs.Add(next, clock.GetTimestamp() + dueTime.Ticks);
                }

                timer = clock.Begin(() => Ring(next, period), dueTime, period);
            }

            return true;
        }

        public void Dispose() => Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }

        private void Ring(object of, TimeSpan period)
        {
            lock (clock.runs)
            {
                if (period <= TimeSpan.Zero)
                {
                    clock.runs.Remove(of);
                }
                else if (clock.runs.ContainsKey(of))
                {
                    clock.runs[of] = clock.GetTimestamp() + period.Ticks;
                }
            }

            ring();
        }

        private void End(object? of)
        {
            if (of is not null)
            {
                lock (clock.runs)
                {
                    clock.runs.Remove(of);
                }
            }
        }
    }

    private ITimer Begin(Action ring, TimeSpan dueTime, TimeSpan period) => base.CreateTimer(_ => ring(), null, dueTime, period);
}
