using System.Diagnostics;
using System.Text.Json;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary><c>/imagestorages</c> in the words of the tests.</summary>
internal static class StorageView
{
    public const string Gluster = "gluster_volumes";
    public const string Local = "volumes";
    public const string External = "external_volumes";

    /// <summary>Facts are renewed every second or two, and a command of a sick pool is given up soon.</summary>
    public static string[] Quick { get; } =
    [
        "--Gluster:PollInterval", "00:00:02", "--Gluster:MaxBackoff", "00:00:04", "--Gluster:Timeout", "00:00:05",
        "--Storage:IndexInterval", "00:00:01", "--Storage:OperationTimeout", "00:00:02", "--Storage:ReservePercent", "0",
    ];

    public static async Task<JsonElement> StorageAsync(this Client client) => (await client.GetAsync("/imagestorages/internal")).Is(200);

    /// <summary>A volume of that kind; null when it is not listed.</summary>
    public static async Task<JsonElement?> VolumeAsync(this Client client, string kind, string id) =>
        (await client.StorageAsync()).GetProperty(kind).EnumerateArray().Cast<JsonElement?>().FirstOrDefault(volume => volume!.Value.Text("volume_id") == id);

    /// <summary>Waits until a volume has that status and all of these words in its message; fails with what it had last.</summary>
    public static async Task<JsonElement> VolumeIsAsync(this Client client, string kind, string id, string status, string[] words, int seconds = 30)
    {
        JsonElement? last = null;
        for (var clock = Stopwatch.StartNew(); clock.Elapsed.TotalSeconds < seconds; await Task.Delay(TimeSpan.FromMilliseconds(50)))
        {
            last = await client.VolumeAsync(kind, id);
            if (last is { } volume && volume.Text("status") == status
                && Array.TrueForAll(words, word => volume.Text("status_msg").Contains(word, StringComparison.Ordinal)))
            {
                return volume;
            }
        }

        throw new TimeoutException(
            $"{kind}/{id} was to be {status} ({string.Join(" + ", words)}) within {seconds} s; it is {last?.Text("status")}: {last?.Text("status_msg")}");
    }

    /// <summary>Waits until nothing is wrong with a volume.</summary>
    public static async Task<JsonElement> VolumeIsWellAsync(this Client client, string kind, string id, int seconds = 60)
    {
        var volume = default(JsonElement);
        await Wait.UntilAsync($"{id} to be ok without a word", async () =>
        {
            volume = await client.VolumeIsAsync(kind, id, "ok", [], seconds);
            return volume.Text("status_msg").Length == 0;
        }, seconds);
        return volume;
    }

    public static string Text(this JsonElement element, string member) => element.GetProperty(member).GetString()!;

    public static long Number(this JsonElement element, string member) => element.GetProperty(member).GetInt64();
}
