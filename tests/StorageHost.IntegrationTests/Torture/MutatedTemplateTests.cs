using System.Globalization;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;
using Xunit.Abstractions;

namespace StorageHost.IntegrationTests.Torture;

/// <summary>Templates of which somebody has changed a few bytes, or which were cut short.</summary>
[Collection(LabTests.Name)]
public sealed class MutatedTemplateTests(Lab lab, ITestOutputHelper output)
{
    private const int HeaderBytes = 112;
    private const int ClusterBytes = 4096;
    private const int TableClusters = 4;
    private const int EntriesBytes = 256;
    private const long MostMemory = 200_000_000;

    [DaemonFact]
    public async Task Of_a_mutated_template_a_faithful_copy_is_made_or_none()
    {
        var random = TortureSettings.Begin(output, nameof(MutatedTemplateTests));
        var count = TortureSettings.Count(200, 10_000);
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        var sound = await File.ReadAllBytesAsync(await lab.Masters.SmallAsync());
        var daemon = await area.StartAsync();
        using var programs = new ProgramCount("qemu-img", daemon);
        var made = 0;
        for (var number = 0; number < count; number++)
        {
            var master = Path.Combine(Lab.Directory, "masters", "mutated");
            await File.WriteAllBytesAsync(master, Mutate(sound, random));
            File.SetLastWriteTimeUtc(master, DateTime.UnixEpoch.AddSeconds(number));
            await area.PutTemplateAsync("mutated", master);
            var answer = await daemon.Client.SetImageAsync("mutated", "web01");
            Assert.True(answer.Took.TotalSeconds < 5, answer.ToString());
            if (answer.Status == 200)
            {
                made++;
                Assert.True(Content.Same(area.Seen("web01.qcow2"), master), $"mutation {number} was not copied as it is");
                (await daemon.Client.DeleteHostAsync("web01")).Is(200);
            }
            else
            {
                answer.Refuses(422, "image_rejected");
            }
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{made} of {count} were harmless"));
        Assert.InRange(made, 1, count - 1);
        Assert.Equal(0, programs.Most);
        Assert.True(daemon.PeakRss < MostMemory, $"peak RSS was {daemon.PeakRss / 1_000_000} MB");
        await area.Oracle.CheckAsync();
    }

    private static byte[] Mutate(byte[] sound, Random random)
    {
        var image = sound[..(random.Next(10) == 0 ? random.Next(1, sound.Length) : sound.Length)];
        for (var changes = random.Next(1, 4); changes > 0; changes--)
        {
            image[Math.Min(Offset(random), image.Length - 1)] = (byte)random.Next(256);
        }

        return image;
    }

    // Half of them lie in the header, the others in its extensions and at the beginning of the tables, where there are entries: the reference
    // counts' table and block, L1 and the first L2 are the clusters after the header's.
    private static int Offset(Random random)
    {
        if (random.Next(2) == 0)
        {
            return random.Next(HeaderBytes);
        }

        var cluster = random.Next(TableClusters + 1);
        return (cluster == 0 ? HeaderBytes : cluster * ClusterBytes) + random.Next(EntriesBytes);
    }
}
