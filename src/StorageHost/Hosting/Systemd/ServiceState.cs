using System.Globalization;

namespace StorageHost.Hosting.Systemd;

/// <summary>What systemd can be told, in the words of sd_notify(3).</summary>
internal static class ServiceState
{
    /// <summary>It listens; or it has reloaded.</summary>
    public const string Ready = "READY=1";

    /// <summary>It was asked to stop, or stops by itself.</summary>
    public const string Stopping = "STOPPING=1";

    /// <summary>It is alive, and must be heard again within the watchdog's time.</summary>
    public const string Alive = "WATCHDOG=1";

    /// <summary>It reads its settings anew, since then; <see cref="Ready"/> follows.</summary>
    public static string Reloading(TimeProvider time)
    {
        // On Linux the clock behind it is CLOCK_MONOTONIC, as systemd wants it.
        var now = new TimeSpan((long)((double)time.GetTimestamp() / time.TimestampFrequency * TimeSpan.TicksPerSecond));
        return string.Create(CultureInfo.InvariantCulture, $"RELOADING=1\nMONOTONIC_USEC={(long)now.TotalMicroseconds}");
    }

    /// <summary>A line for people, in <c>systemctl status</c>.</summary>
    public static string Status(string text) => $"STATUS={text.ReplaceLineEndings(" ")}";
}
