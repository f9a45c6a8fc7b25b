using System.Text.Json;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>The verbs of the daemon in the words of the tests.</summary>
internal static class Verbs
{
    public static async Task<string[]> ImagesAsync(this Client client) =>
        [.. (await client.SendAsync(HttpMethod.Get, "/", """{"target":"images"}""")).Is(200).GetProperty("images").EnumerateArray().Select(each => each.GetString()!)];

    public static Task<Answer> DupAsync(this Client client, string image, int wanted) =>
        client.PostAsync(new { action = "dup", duplicateinfo = new Dictionary<string, int>(StringComparer.Ordinal) { [image] = wanted } });

    public static Task<Answer> SetImageAsync(this Client client, string image, string hostname, bool async = false, string? key = null) =>
        client.PostAsync(new { action = "setimage", createvmform = new { image, hostname } }, async, key);

    /// <summary>Asks for a disk of so many GiB.</summary>
    public static Task<Answer> SetImageAsync(this Client client, string image, string hostname, int size, bool async = false, string? key = null) =>
        client.PostAsync(new { action = "setimage", createvmform = new { image, hostname, size } }, async, key);

    public static Task<Answer> AddStorageAsync(this Client client, string hostname, int size, string? key = null) =>
        client.PostAsync(new { action = "addstorage", storageinfo = new { hostname, size } }, key: key);

    public static Task<Answer> DeleteHostAsync(this Client client, string hostname, bool purge = false) =>
        client.DeleteAsync(new { action = "host", target = hostname, purge });

    public static Task<Answer> DeleteImageAsync(this Client client, string image) => client.DeleteAsync(new { action = "image", target = image });

    public static async Task<int> PoolAsync(this Client client, string image, string member) =>
        (await client.GetAsync($"/pools/{image}")).Is(200).GetProperty(member).GetInt32();

    /// <summary>Waits until a pool holds exactly so many copies and nobody works on it.</summary>
    public static Task PoolHoldsAsync(this Client client, string image, int ready, int seconds = 30) => Wait.UntilAsync(
        $"the pool of {image} to hold {ready}",
        async () => (await client.GetAsync($"/pools/{image}")).Is(200) is var pool
            && pool.GetProperty("ready").GetInt32() == ready && pool.GetProperty("copying").GetInt32() == 0 && pool.GetProperty("waiting").GetInt32() == 0,
        seconds);

    /// <summary>Sets a level and waits until it is met.</summary>
    public static async Task FillAsync(this Client client, string image, int wanted, int seconds = 60)
    {
        (await client.DupAsync(image, wanted)).Is(200);
        await client.PoolHoldsAsync(image, wanted, seconds);
    }

    /// <summary>Waits for a job to be over.</summary>
    public static Task<Answer> JobEndsAsync(this Client client, Uri location, int seconds = 60) => Wait.ForAsync(
        $"{location} to end",
        async () => await client.GetAsync(location.ToString()) is var answer && answer.Is(200).State() is "succeeded" or "failed" or "cancelled" ? answer : null,
        seconds);

    /// <summary>Waits until a job of this image has copied at least so much, while it still copies.</summary>
    public static async Task<JsonElement> CopyingAsync(this Client client, string image, long bytes)
    {
        var job = default(JsonElement);
        await Wait.UntilAsync($"{image} to be copied", async () =>
        {
            job = (await client.GetAsync("/jobs")).Is(200).GetProperty("jobs").EnumerateArray().FirstOrDefault(each =>
                image.Equals(each.GetProperty("image").GetString(), StringComparison.Ordinal) && each.State() is "running" && each.GetProperty("bytes_done").GetInt64() >= bytes);
            return job.ValueKind == JsonValueKind.Object;
        });
        return job;
    }

    /// <summary>
    /// Asks again while the answer is 503, until it is done: once, after two bricks had come back, Gluster had lost the daemon's lock, and until
    /// it had a new session, callers were told to ask again.
    /// </summary>
    public static async Task<Answer> DoneAsync(Func<Task<Answer>> ask)
    {
        var answer = await Wait.ForAsync("an answer other than 503", async () => await ask() is { Status: not 503 } said ? said : null);
        answer.Is(200);
        return answer;
    }

    public static string State(this JsonElement job) => job.GetProperty("state").GetString()!;

    public static string[] Strings(this JsonElement body, string member) => [.. body.GetProperty(member).EnumerateArray().Select(each => each.GetString()!)];
}
