namespace StorageHost.Api.Events;

/// <summary>Something that <c>/events</c> tells of.</summary>
/// <param name="Type">The event's type.</param>
/// <param name="Key">Tells it from others of its type.</param>
/// <param name="Value">How it is; equal to an earlier one while nothing has changed.</param>
internal readonly record struct Observed(string Type, string Key, object Value);

/// <summary>
/// How everything is that <c>/events</c> tells of: looked at once for all readers, and written as JSON only when it has changed. Without
/// readers nothing is done.
/// </summary>
/// <param name="look">Looks at everything.</param>
/// <param name="write">Writes a value as JSON.</param>
/// <param name="validity">How long a look is good for.</param>
/// <param name="time">The clock.</param>
internal sealed class EventState(Func<IEnumerable<Observed>> look, Func<object, string> write, TimeSpan validity, TimeProvider time)
{
    private readonly Lock gate = new();
    private readonly Dictionary<(string Type, string Key), Entry> entries = [];
    private long looks;
    private long lookedAt;
    private long changed;

    /// <summary>What has changed since a look that a reader was told of; everything, since look 0.
    /// What does not exist any more is left out.</summary>
    /// <returns>The number of the latest look, and each change with its type.</returns>
    public (long Look, IReadOnlyList<(string Type, string Json)> Changes) Since(long told)
    {
        lock (gate)
        {
            if (looks == 0 || time.GetElapsedTime(lookedAt) >= validity)
            {
                Look();
            }

            return (looks, changed <= told
                ? []
                : [.. entries.Where(entry => entry.Value.ChangedAt > told).Select(entry => (entry.Key.Type, entry.Value.Json))]);
        }
    }

    private void Look()
    {
        lookedAt = time.GetTimestamp();
        looks++;
        var seen = 0;
        foreach (var (type, key, value) in look())
        {
            if (!entries.TryGetValue((type, key), out var entry))
            {
                entries[(type, key)] = entry = new Entry();
            }

            if (entry.SeenAt != looks)
            {
                seen++;
                entry.SeenAt = looks;
                Take(entry, value);
            }
        }

        if (seen < entries.Count)
        {
            foreach (var (id, _) in entries.Where(entry => entry.Value.SeenAt != looks).ToList())
            {
                entries.Remove(id);
            }
        }
    }

    private void Take(Entry entry, object value)
    {
        if (value.Equals(entry.Value))
        {
            return;
        }

        entry.Value = value;
        if (write(value) is var json && json != entry.Json)
        {
            (entry.Json, entry.ChangedAt, changed) = (json, looks, looks);
        }
    }

    private sealed class Entry
    {
        public object? Value { get; set; }

        public string Json { get; set; } = "";

        /// <summary>The look at which it was last there.</summary>
        public long SeenAt { get; set; }

        /// <summary>The look at which it was last told anew.</summary>
        public long ChangedAt { get; set; }
    }
}
