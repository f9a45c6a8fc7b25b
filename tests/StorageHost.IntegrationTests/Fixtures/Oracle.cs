using Xunit;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>Knows what must be in a storage directory, and looks whether that and nothing else is there.</summary>
internal sealed class Oracle(StorageArea area)
{
    private readonly Dictionary<string, string> templates = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> disks = new(StringComparer.Ordinal);
    private readonly HashSet<string> dataDisks = new(StringComparer.Ordinal);

    public void Template(string image, string master) => templates[image] = master;

    public void NoTemplate(string image) => templates.Remove(image);

    /// <summary>The daemon has said that this host has a disk of that image as the template is now.</summary>
    public void Disk(string hostname, string image) => disks[$"{hostname}.qcow2"] = templates[image];

    public void NoDisk(string hostname) => disks.Remove($"{hostname}.qcow2");

    public void DataDisk(string file) => dataDisks.Add(file);

    public void NoDataDisk(string file) => dataDisks.Remove(file);

    /// <summary>Checks names, links and inodes, and every byte, as one of the places sees them.</summary>
    public async Task CheckAsync(int place = 0, int seconds = 10)
    {
        var found = await SettledAsync(place, seconds);
        foreach (var (file, master) in disks)
        {
            Assert.True(Content.Same(area.Seen(file, place), master), $"{file} does not hold what its template holds, seen from place {place}");
        }

        foreach (var (copy, image) in found.Select(file => (file, file.ImageOfCopy)).Where(each => each.ImageOfCopy is not null))
        {
            Assert.True(IsGoneOrSame(area.Seen(copy.Name, place), templates[image!]), $"{copy.Name} does not hold what its template holds");
        }
    }

    /// <summary>Checks the content of every ready copy there is now, whatever else is going on.</summary>
    public async Task CopiesAreWholeAsync()
    {
        foreach (var copy in (await FoundFile.ListAsync(area.Seen())).Where(file => file.ImageOfCopy is not null))
        {
            Assert.True(IsGoneOrSame(area.Seen(copy.Name), templates[copy.ImageOfCopy!]), $"{copy.Name} is offered, but is not whole");
        }
    }

    // A copy may be claimed, given back or trimmed at any time.
    private static bool IsGoneOrSame(string copy, string master)
    {
        try
        {
            return Content.Same(copy, master);
        }
        catch (FileNotFoundException)
        {
            return true;
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
        string[] expected = [.. templates.Keys.Select(image => $"{image}_template.img"), .. disks.Keys, .. dataDisks];
        foreach (var missing in expected.Except(found.Select(file => file.Name), StringComparer.Ordinal))
        {
            yield return $"missing: {missing}";
        }

        foreach (var file in found.Where(file => !file.IsPrivate && !expected.Contains(file.Name, StringComparer.Ordinal)))
        {
            if (file.ImageOfCopy is not { } image || !templates.ContainsKey(image))
            {
                yield return $"unknown: {file}";
            }
        }

        foreach (var file in found.Where(file => file.Type != 'd' && (file.Type != 'f' || file.Links != 1)))
        {
            yield return $"not a regular file with one name: {file}";
        }

        foreach (var shared in found.Where(file => file.Type == 'f').GroupBy(file => file.Inode).Where(group => group.Count() > 1))
        {
            yield return $"one inode for {string.Join(" and ", shared.Select(file => file.Name))}";
        }

        foreach (var file in found.Where(file => file.IsInTheMaking))
        {
            yield return $"left over: {file}";
        }

        if (found.Count(file => file.IsDaemon) is var daemons && daemons != area.Alive)
        {
            yield return $"{daemons} daemons have a private directory, {area.Alive} live";
        }
    }
}
