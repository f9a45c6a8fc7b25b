namespace StorageHost.Tests.Support;

/// <summary>A clock that stands still until it is moved; its timers ring, each at its own time, while it moves.</summary>
internal sealed class ManualTimeProvider : TimeProvider
{
    /// <summary>Where it begins: later than any file that a test makes was written.</summary>
    public static readonly DateTimeOffset Start = new(2040, 5, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly Lock gate = new();
    private readonly List<ManualTimer> armed = [];
    private DateTimeOffset now = Start;
    private TimeSpan set;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>How many timers are set.</summary>
    public int Timers
    {
        get
        {
            lock (gate)
            {
                return armed.Count;
            }
        }
    }

    /// <summary>How long each timer that is set still waits.</summary>
    public IReadOnlyList<TimeSpan> Waits
    {
        get
        {
            lock (gate)
            {
                return [.. armed.Select(timer => timer.Due - now)];
            }
        }
    }

    public override DateTimeOffset GetUtcNow()
    {
        lock (gate)
        {
            return now + set;
        }
    }

    public override long GetTimestamp()
    {
        lock (gate)
        {
            return now.Ticks;
        }
    }

    /// <summary>Sets the clock on or back by that much, as an operator does: no time goes by.</summary>
    public void Set(TimeSpan by)
    {
        lock (gate)
        {
            set += by;
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    public void Advance(TimeSpan span)
    {
        var end = new DateTimeOffset(GetTimestamp(), TimeSpan.Zero) + span;
        while (NextDue(end) is { } due)
        {
            due.Ring();
        }
    }

    /// <summary>Moves the clock to the next timer that is due by then; to the end, with null, when there is none.</summary>
    private ManualTimer? NextDue(DateTimeOffset end)
    {
        lock (gate)
        {
            var due = armed.Where(timer => timer.Due <= end).MinBy(timer => timer.Due);
            now = due is null ? end : due.Due > now ? due.Due : now;
            if (due is { Period: var period })
            {
                if (period > TimeSpan.Zero)
                {
                    due.Due += period;
                }
                else
                {
                    armed.Remove(due);
                }
            }

            return due;
        }
    }

    private sealed class ManualTimer(ManualTimeProvider clock, Action ring) : ITimer
    {
        public DateTimeOffset Due { get; set; }

        public TimeSpan Period { get; private set; }

        public Action Ring { get; } = ring;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock.gate)
            {
                clock.armed.Remove(this);
                if (dueTime >= TimeSpan.Zero)
                {
                    Period = period;
                    Due = clock.now + dueTime;
                    clock.armed.Add(this);
                }
            }

            return true;
        }

        public void Dispose() => Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
