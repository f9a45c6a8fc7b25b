using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Torture;

/// <summary>
/// Several callers at once who make, fill and delete at random, many of them the same hosts, and remember every answer. When all is
/// quiet, <see cref="Conclude"/> tells the oracle what the answers allow, or fails when no order of the requests explains them.
/// </summary>
/// <param name="fleet">The daemons that are called.</param>
/// <param name="images">The images that disks are made of.</param>
/// <param name="seed">What the random choices begin with.</param>
/// <param name="others">The other images that there are.</param>
internal sealed class Workload(Fleet fleet, string[] images, int seed, params string[] others)
{
    private const int Hosts = 30;
    private const int CallsForEachHost = 10;
    private const int MostLevel = 4;
    private const int LargestDisk = 2000;

    /// <summary>A request may take the deadlines of several storage calls, and a busy machine's share.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Oracle oracle = fleet.Area.Oracle;

    // A node of a Gluster volume may remember for a second that a name was there, or was not.
    private readonly long memory = fleet.Area.Places.Count > 1 ? Stopwatch.Frequency * 3 / 2 : 0;
    private readonly ConcurrentDictionary<string, ConcurrentQueue<Event>> events = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, int> answers = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> divergences = new();
    private readonly Dictionary<string, List<int>> levels = new(StringComparer.Ordinal);
    private int calls;
    private int sizes;
    private int rounds;

    /// <summary>Which answers there were, and how often.</summary>
    public override string ToString() => string.Join(", ", answers.OrderBy(each => each.Key, StringComparer.Ordinal).Select(each => $"{each.Key} {each.Value}"));

    /// <summary>Lets callers call until they are told to stop, and waits for the answers that they wait for.</summary>
    public Task RunAsync(int callers, CancellationToken stop)
    {
        (calls, rounds) = (0, rounds + 1);
        return Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(async () =>
        {
            var random = new Random(unchecked((((seed * 31) + rounds) * 31) + caller));
            while (!stop.IsCancellationRequested)
            {
                try
                {
                    await CallAsync(random, setsLevels: caller == 0);
                }
                catch (HttpRequestException unsent) when (unsent.HttpRequestError == HttpRequestError.ConnectionError)
                {
                    // A daemon that has just ended or just begun does not listen.
                }
            }
        }, CancellationToken.None)));
    }

    /// <summary>Tells the oracle what must be there and what may be, of all that was asked for.</summary>
    public void Conclude()
    {
        // A purge without an answer may have removed what was there before anybody asked for it in this round.
        foreach (var file in events.Keys.Where(key => !key.EndsWith('*')).Union(oracle.Files.Where(file => events.ContainsKey(PurgesOf(file))), StringComparer.Ordinal).ToArray())
        {
            Event[] history = [.. EventsOf(file).Concat(EventsOf(PurgesOf(file))).OrderBy(each => each.Begun)];
            var end = History.End(history, oracle.Has(file));
            if (end == Possible.Nothing)
            {
                divergences.Enqueue($"nothing explains {file}, which was {(oracle.Has(file) ? "there" : "absent")}:\n  {string.Join("\n  ", history.AsEnumerable())}");
            }
            else if (end == Possible.Absent)
            {
                oracle.NoFile(file);
            }
            else
            {
                oracle.Expect(file, end == Possible.There, file.EndsWith(".qcow2", StringComparison.Ordinal) ? oracle.MastersOf(ImageOf(file)) : []);
            }
        }

        foreach (var (image, level) in levels.SelectMany(each => each.Value.Select(level => (each.Key, level))))
        {
            oracle.MayHaveLevel(image, level);
        }

        events.Clear();
        Assert.True(divergences.IsEmpty, string.Join('\n', divergences));
    }

    private async Task CallAsync(Random random, bool setsLevels)
    {
        var client = await fleet.PickAsync(random);
        var host = string.Create(CultureInfo.InvariantCulture, $"vm{Interlocked.Increment(ref calls) / (Hosts * CallsForEachHost)}-{random.Next(Hosts)}");
        await (random.Next(100) switch
        {
            < 10 when setsLevels => LevelAsync(client, images[random.Next(images.Length)], random.Next(MostLevel + 1)),
            < 50 => SetImageAsync(client, host, random),
            < 65 => DeleteAsync(client, host, purge: false),
            < 80 => DeleteAsync(client, host, purge: true),
            < 95 => AddStorageAsync(client, host),
            _ => ListAsync(client),
        });
    }

    private async Task SetImageAsync(Client client, string host, Random random)
    {
        var file = $"{host}.qcow2";
        var (begun, answer, _) = await AskAsync("set", () => client.SetImageAsync(ImageOf(file), host));
        See(file, begun, answer, Sight.Made, (409, "host_exists", Sight.Found), Sight.MayBeMade);
        var place = random.Next(fleet.Area.Places.Count);
        if (answer is { Status: 200 } && Difference(file, place) is { } difference)
        {
            divergences.Enqueue($"{file} does not hold what its template holds, seen from place {place}: {difference}: {answer}");
        }
    }

    private async Task AddStorageAsync(Client client, string host)
    {
        var size = (Interlocked.Increment(ref sizes) % LargestDisk) + 1;
        var (begun, answer, _) = await AskAsync("add", () => client.AddStorageAsync(host, size));
        See(string.Create(CultureInfo.InvariantCulture, $"{host}_storage_{size}G"), begun, answer, Sight.Made, null, Sight.MayBeMade);
    }

    private async Task DeleteAsync(Client client, string host, bool purge)
    {
        var file = $"{host}.qcow2";
        var (begun, answer, lackedBrick) = await AskAsync(purge ? "purge" : "delete", () => client.DeleteHostAsync(host, purge));
        string[] removed = answer is { Status: 200 } ? answer.Json.Strings("removed") : [];
        See(file, begun, answer, removed.Contains(file, StringComparer.Ordinal) ? Sight.Removed : Sight.Missed, (404, "host_not_found", Sight.Missed), Sight.MayBeRemoved);
        foreach (var data in removed.Where(name => name != file))
        {
            Note(data, Event.Of(begun, Sight.Removed));
        }

        if (lackedBrick)
        {
            Array.ForEach(answer is null or { Status: >= 500 } ? [file] : removed, name => Note(name, Event.Of(begun, Sight.MayReturn)));
        }

        if (purge && answer is null or { Status: >= 500 })
        {
            Note(PurgesOf(file), Event.Of(begun, Sight.MayBeRemoved));
        }
    }

    private async Task ListAsync(Client client)
    {
        var (_, answer, _) = await AskAsync("list", () => client.GetAsync("/?target=images"));
        if (answer is not (null or { Status: >= 500 }) && !answer.Is(200).Strings("images").SequenceEqual(images.Concat(others).Order(StringComparer.Ordinal), StringComparer.Ordinal))
        {
            divergences.Enqueue($"not all images: {answer}");
        }
    }

    private async Task LevelAsync(Client client, string image, int level)
    {
        var (_, answer, lackedBrick) = await AskAsync("dup", () => client.DupAsync(image, level));
        var possible = levels.TryGetValue(image, out var known) ? known : levels[image] = [];
        if (answer is { Status: 200 })
        {
            oracle.Level(image, level);
            possible.AddRange(lackedBrick ? Enumerable.Range(0, MostLevel + 1) : []); // the file of a former one may come back
        }
        else if (answer is null or { Status: >= 500 })
        {
            possible.Add(level); // it may be set at any time later
        }
        else
        {
            divergences.Enqueue($"{answer}");
        }
    }

    private async Task<(long Begun, Answer? Answer, bool LackedBrick)> AskAsync(string what, Func<Task<Answer>> ask)
    {
        var begun = Stopwatch.GetTimestamp();
        var lackedBrick = fleet.LacksBrick;
        Answer? answer = null;
        try
        {
            answer = await ask();
        }
        catch (HttpRequestException lost) when (lost.HttpRequestError != HttpRequestError.ConnectionError)
        {
            // The daemon was killed.
        }

        if (Stopwatch.GetElapsedTime(begun) > Patience || answer is { Status: 500 })
        {
            divergences.Enqueue($"after {Stopwatch.GetElapsedTime(begun)}: {what} {answer}");
        }

        answers.AddOrUpdate($"{what} {answer?.Status ?? 0}", 1, (_, count) => count + 1);
        return (begun, answer, lackedBrick || fleet.LacksBrick);
    }

    private void See(string file, long begun, Answer? answer, Sight done, (int Status, string Code, Sight Sight)? refused, Sight open)
    {
        if (answer is null or { Status: >= 500 })
        {
            Note(file, Event.Of(begun, open));
        }
        else if (answer.Status == 200)
        {
            Note(file, Event.Of(begun, done));
        }
        else if (refused is var (status, code, sight) && answer.Status == status && answer.Code == code)
        {
            Note(file, Event.Of(begun - memory, sight));
        }
        else if (memory == 0 || answer.Code is not "disk_in_use")
        {
            // While bricks come and go, Gluster may say that somebody holds a lock; to believe it is safe.
            divergences.Enqueue($"{file}: {answer}");
        }
    }

    private string? Difference(string file, int place)
    {
        try
        {
            return oracle.MastersOf(ImageOf(file)).Select(master => Content.Difference(fleet.Area.Seen(file, place), master)).MinBy(difference => difference is not null);
        }
        catch (IOException)
        {
            return null; // deleted since, or this node has lost its mount
        }
    }

    private ConcurrentQueue<Event> EventsOf(string file) => events.GetValueOrDefault(file, []);

    private void Note(string file, Event seen) => events.GetOrAdd(file, _ => new()).Enqueue(seen);

    // Each host always gets the same image, so that its disk's content is known whoever made it.
    private string ImageOf(string file) => images[file.Sum(letter => letter) % images.Length];

    private static string PurgesOf(string file) => $"{file.Split("_storage_")[0].Replace(".qcow2", "", StringComparison.Ordinal)}*";
}
