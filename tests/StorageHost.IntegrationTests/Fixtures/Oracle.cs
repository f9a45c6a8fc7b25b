using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>
/// Knows what must be in a storage directory, what may be there since a request had no answer, and looks whether that and nothing else is.
/// </summary>
internal sealed class Oracle(StorageArea area)
{
    // What another client of Gluster hears of a file that was deleted (errno 116).
    private const int Stale = 116;

    private readonly ConcurrentDictionary<string, string[]> templates = new(StringComparer.Ordinal);
    // Those that were not looked at yet.
    private readonly ConcurrentDictionary<string, (string Master, int SizeGb)> sized = new(StringComparer.Ordinal);

    private readonly Dictionary<string, Expected> files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<int>> levels = new(StringComparer.Ordinal);

    /// <param name="Masters">What the file may hold, byte by byte; empty when it is not compared.</param>
    /// <param name="IsSure">False when it may be missing as well.</param>
    private sealed record Expected(string[] Masters, bool IsSure);

    /// <summary>What must be there, and what may be.</summary>
    public IReadOnlyCollection<string> Files => files.Keys;

    public void Template(string image, string master)
    {
        templates[image] = [master, .. templates.GetValueOrDefault(image, []).Where(former => former != master)];
        Expect(TemplateOf(image), isSure: true, master);
    }

    /// <summary>A template was sent and there was no answer: it is whole or not there.</summary>
    public void MayHaveTemplate(string image, string master) => Expect(TemplateOf(image), isSure: false, master);

    /// <summary>A template was sent in place of another and there was no answer: it is the old one or the new one.</summary>
    public void MayBeReplaced(string image, string master) => Expect(TemplateOf(image), isSure: true, [master, .. templates[image]]);

    public void NoTemplate(string image) => NoFile(TemplateOf(image));

    /// <summary>What the template holds now, outside of every storage directory.</summary>
    public string MasterOf(string image) => templates[image][0];

    /// <summary>What the template holds and has held, the latest first.</summary>
    public string[] MastersOf(string image) => templates[image];

    /// <summary>The daemon has said that this host has a disk of that image as the template is now.</summary>
    public void Disk(string hostname, string image) => Expect($"{hostname}.qcow2", isSure: true, MasterOf(image));

    /// <summary>The daemon has said that this host has a disk of so many GiB; or a request for it had no answer.</summary>
    public void SizedDisk(string hostname, string image, int sizeGb, bool isSure = true)
    {
        sized[$"{hostname}.qcow2"] = (MasterOf(image), sizeGb);
        Expect($"{hostname}.qcow2", isSure);
    }

    public void NoDisk(string hostname) => NoFile($"{hostname}.qcow2");

    public void DataDisk(string file) => Expect(file, isSure: true);

    public void NoDataDisk(string file) => NoFile(file);

    /// <summary>A request for this disk had no answer: it is whole or not there.</summary>
    public void MayHaveDisk(string hostname, string image) => Expect($"{hostname}.qcow2", isSure: false, MasterOf(image));

    /// <summary>A request for this data disk had no answer.</summary>
    public void MayHaveDataDisk(string file) => Expect(file, isSure: false);

    /// <summary>A file must be there, or may be, and hold what one of the masters holds.</summary>
    public void Expect(string file, bool isSure, params string[] masters) => files[file] = new(masters, isSure);

    public void NoFile(string file) => files.Remove(file);

    /// <summary>Whether a file must be there.</summary>
    public bool Has(string file) => files.GetValueOrDefault(file) is { IsSure: true };

    /// <summary>A request to delete this file had no answer.</summary>
    public void MayLack(string file) => files[file] = files[file] with { IsSure = false };

    public void MayLackTemplate(string image) => MayLack(TemplateOf(image));

    /// <summary>The daemon has said that it keeps so many copies.</summary>
    public void Level(string image, int level) => levels[image] = [level];

    /// <summary>A request for this level had no answer.</summary>
    public void MayHaveLevel(string image, int level) => levels[image] = [level, .. levels.GetValueOrDefault(image, [0])];

    /// <summary>
    /// Checks names, links and inodes as one of the places sees them, and every byte as a place sees it that has not written it: the last, when the
    /// names are those of the first. What may have been is known from then on.
    /// </summary>
    public async Task CheckAsync(int place = 0, int seconds = 10)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                await CheckNowAsync(place, seconds);
                return;
            }
            catch (IOException exception) when ((exception is FileNotFoundException || exception.HResult == Stale) && clock.Elapsed.TotalSeconds < seconds)
            {
                // For a moment after a heal of Gluster a name may be listed that leads nowhere, and for a second a node remembers what a name stood for.
            }
        }
    }

    /// <summary>Checks the content of every ready copy there is now, whatever else is going on.</summary>
    public async Task CopiesAreWholeAsync() => Assert.Empty(await BrokenCopiesAsync());

    /// <summary>The ready copies that are not what their template is now.</summary>
    public async Task<IReadOnlyList<FoundFile>> BrokenCopiesAsync() =>
    [
        .. (await FoundFile.ListAsync(area.Seen())).Where(file => file.ImageOfCopy is { } image && !IsGoneOrSame(area.Seen(file.Name), MasterOf(image))),
    ];

    private async Task CheckNowAsync(int place, int seconds)
    {
        var found = await SettledAsync(place, seconds);
        var reader = place == 0 ? area.Places.Count - 1 : place;
        foreach (var file in found)
        {
            var isWhole = file.ImageOfCopy is { } image ? IsGoneOrSame(area.Seen(file.Name, reader), MasterOf(image))
                : files.GetValueOrDefault(file.Name) is not { Masters.Length: > 0 } expected || expected.Masters.Any(master => Content.Same(area.Seen(file.Name, reader), master));
            Assert.True(isWhole, $"{file.Name} does not hold what its template holds, seen from place {reader}");
            if (sized.TryRemove(file.Name, out var wanted))
            {
                await SizedDisks.CheckAsync(area.Seen(file.Name, reader), wanted.Master, wanted.SizeGb);
            }
        }

        Learn([.. found.Select(file => file.Name)]);
    }

    // A copy may be claimed, given back or trimmed at any time.
    private static bool IsGoneOrSame(string copy, string master)
    {
        try
        {
            return Content.Same(copy, master);
        }
        catch (IOException exception) when (exception is FileNotFoundException || exception.HResult == Stale)
        {
            return true;
        }
    }

    private static string TemplateOf(string image) => $"{image}_template.img";

    private void Learn(HashSet<string> found)
    {
        foreach (var (name, expected) in files.Where(file => !file.Value.IsSure).ToArray())
        {
            files.Remove(name);
            if (found.Contains(name))
            {
                files[name] = expected with { IsSure = true };
            }
        }

        foreach (var image in levels.Keys.ToArray())
        {
            levels[image] = [LevelOf(image)];
        }
    }

    // Names may change for a moment after an answer: a private name goes just after the link, a pool refills.
    private async Task<IReadOnlyList<FoundFile>> SettledAsync(int place, int seconds)
    {
        IReadOnlyList<FoundFile> found = [];
        IReadOnlyList<string> faults = [];
        try
        {
            await Wait.UntilAsync("the directory to settle", async () =>
            {
                found = await FoundFile.ListAsync(area.Seen(place: place));
                faults = [.. Faults(found)];
                return faults.Count == 0;
            }, seconds);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"After {seconds} s, seen from place {place}:\n{string.Join('\n', faults.Take(40))}\nin\n{string.Join('\n', found.Take(200))}");
        }

        return found;
    }

    private IEnumerable<string> Faults(IReadOnlyList<FoundFile> found)
    {
        var names = found.Select(file => file.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var missing in files.Where(file => file.Value.IsSure && !names.Contains(file.Key)))
        {
            yield return $"missing: {missing.Key}";
        }

        foreach (var file in found.Where(file => !file.IsPrivate && !files.ContainsKey(file.Name)))
        {
            if (file.ImageOfCopy is not { } image || !names.Contains(TemplateOf(image)))
            {
                yield return $"unknown: {file}";
            }
        }

        // Of a replacement that was cut short: the next one clears it away.
        var kept = found.Where(file => file.IsVersion).Select(file => file.Inode).Intersect(found.Where(file => !file.IsPrivate && file.Links == 2).Select(file => file.Inode)).ToHashSet();
        foreach (var file in found.Where(file => file.Type != 'd' && (file.Type != 'f' || file.Links != 1) && !kept.Contains(file.Inode)))
        {
            yield return $"not a regular file with one name: {file}";
        }

        foreach (var shared in found.Where(file => file.Type == 'f' && !kept.Contains(file.Inode)).GroupBy(file => file.Inode).Where(group => group.Count() > 1))
        {
            yield return $"one inode for {string.Join(" and ", shared.Select(file => file.Name))}";
        }

        foreach (var file in found.Where(file => file.IsInTheMaking))
        {
            yield return $"left over: {file}";
        }

        foreach (var level in found.Where(file => file.ImageOfLevel is { } image && !names.Contains(TemplateOf(image))))
        {
            yield return $"nobody can take back: {level}";
        }

        if (found.Count(file => file.IsDaemon) is var daemons && daemons != area.Alive)
        {
            yield return $"{daemons} daemons have a private directory, {area.Alive} live";
        }

        foreach (var (image, allowed) in levels.Where(level => !level.Value.Contains(LevelOf(level.Key))))
        {
            yield return $"the level of {image} is {LevelOf(image)}, not {string.Join(" or ", allowed)}";
        }
    }

    // As it stands on the storage; 0 has no file.
    private int LevelOf(string image)
    {
        try
        {
            return int.Parse(File.ReadAllText(area.Seen($".storagehost/levels/{image}")), CultureInfo.InvariantCulture);
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            return 0;
        }
    }
}
