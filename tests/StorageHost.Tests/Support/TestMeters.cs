using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using StorageHost.Images;
using StorageHost.Processes;

namespace StorageHost.Tests.Support;

/// <summary>Meters of one test alone, and what was measured with them: <c>name{label=value,…}</c> with the sum of all measurements and their number.</summary>
internal sealed class TestMeters : IMeterFactory
{
    private readonly List<Meter> meters = [];
    private readonly MeterListener listener = new();
    private readonly ConcurrentDictionary<string, (double Sum, int Count)> measured = new(StringComparer.Ordinal);

    public TestMeters()
    {
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Scope == this)
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, labels, _) => Add(instrument, value, labels));
        listener.SetMeasurementEventCallback<double>((instrument, value, labels, _) => Add(instrument, value, labels));
        listener.Start();
    }

    /// <summary>Sums and numbers by series. Gauges are asked now.</summary>
    public IReadOnlyDictionary<string, (double Sum, int Count)> Measured
    {
        get
        {
            listener.RecordObservableInstruments();
            return measured;
        }
    }

    public static ImageMetrics OfImages() => new(new TestMeters());

    public static ProcessMetrics OfProcesses(TestMeters? meters = null) => new(meters ?? new TestMeters(), TimeProvider.System);

    public Meter Create(MeterOptions options)
    {
        options.Scope = this;
        var meter = new Meter(options);
        meters.Add(meter);
        return meter;
    }

    public void Dispose()
    {
        listener.Dispose();
        meters.ForEach(meter => meter.Dispose());
    }

    private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> labels)
    {
        var series = labels.Length == 0 ? instrument.Name : $"{instrument.Name}{{{string.Join(',', labels.ToArray().Select(label => $"{label.Key}={label.Value}"))}}}";
        measured.AddOrUpdate(series, (value, 1), (_, before) => (before.Sum + value, before.Count + 1));
    }
}
