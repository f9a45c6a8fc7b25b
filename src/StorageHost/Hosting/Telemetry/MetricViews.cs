using System.Diagnostics.Metrics;
using OpenTelemetry.Metrics;
using StorageHost.Images.Disks;

namespace StorageHost.Hosting.Telemetry;

/// <summary>Which instruments are told of, and with which labels.</summary>
internal static class MetricViews
{
    /// <summary>How many images are told apart in the life of one process.</summary>
    public const int Images = 2000;

    private const string Requests = "http.server.request.duration";

    /// <summary>The meters that are heard.</summary>
    public static readonly string[] Meters = ["StorageHost", "Microsoft.AspNetCore.Hosting", "System.Runtime"];

    /// <summary>What is told of the instruments of .NET and ASP.NET Core; there are more, and some have labels without end.</summary>
    private static readonly HashSet<string> Foreign = new(StringComparer.Ordinal)
    {
        Requests, "http.server.active_requests",
        "dotnet.gc.collections", "dotnet.gc.pause.time", "dotnet.gc.heap.total_allocated", "dotnet.exceptions",
    };

    /// <summary>How an instrument is told of; null for as it is.</summary>
    /// <param name="instrument">The instrument.</param>
    /// <param name="own">The meters of this host. A provider hears those of the whole process, and there may be another host in it.</param>
    public static MetricStreamConfiguration? Of(Instrument instrument, IMeterFactory own) =>
        instrument.Meter.Scope is { } factory && factory != own ? MetricStreamConfiguration.Drop
        : instrument.Meter.Name == "StorageHost" ? OfOurs(instrument)
        : instrument.Name == Requests
            ? new MetricStreamConfiguration { TagKeys = ["http.request.method", "http.route", "http.response.status_code"] }
        : Foreign.Contains(instrument.Name) ? null
        : MetricStreamConfiguration.Drop;

    // The limit is one of series, of which an image has one for each outcome.
    private static MetricStreamConfiguration OfOurs(Instrument instrument) => new()
    {
        CardinalityLimit = instrument.Name == PoolGauges.ClaimsName ? Images * Enum.GetValues<ClaimOutcome>().Length : Images,
    };
}
