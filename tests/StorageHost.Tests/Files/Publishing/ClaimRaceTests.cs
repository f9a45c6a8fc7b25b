using System.Collections.Concurrent;
using StorageHost.Images;
using StorageHost.Images.Ports;
using StorageHost.Tests.Images;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Files.Publishing;

/// <summary>Two daemons that do everything at once on one directory, one of which loses its lock now and then and does not know it.</summary>
public sealed class ClaimRaceTests : IAsyncLifetime
{
    private const int Hosts = 4;
    private const int Least = 5;

    private readonly Store store = Store.Quick();
    private readonly Daemon[] daemons = new Daemon[2];
    private readonly int[] published = new int[Hosts];
    private readonly int[] removed = new int[Hosts];
    private readonly ConcurrentDictionary<int, byte[]> contents = new();
    private readonly ConcurrentQueue<string> faults = new();
    private int version;

    public async Task InitializeAsync()
    {
        store.Write("bystander.qcow2", 1);
        ReplaceTemplate();
        for (var daemon = 0; daemon < 2; daemon++)
        {
            daemons[daemon] = await Daemon.StartAsync(store);
        }
    }

    public async Task DisposeAsync()
    {
        foreach (var daemon in daemons)
        {
            await daemon.DisposeAsync();
        }

        store.Dispose();
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    [InlineData(4, true)]
    public async Task No_disk_is_lost_doubled_or_half_there(int seed, bool losesLocks)
    {
        // On a busy machine few rounds may publish little.
        for (var round = 0; round < 4 || (round < 40 && published.Sum() <= Least); round++)
        {
            var clients = Enumerable.Range(0, 6).Select(client => Task.Run(() => RunClientAsync(daemons[client % 2], new Random((seed * 1000) + (round * 10) + client), losesLocks)));
            await Eventually.EndsAsync(Task.WhenAll(clients));
            await SettleAsync();
            Check();
        }

        Assert.Empty(faults);
        Assert.True(published.Sum() > Least, "nothing was shown");
    }

    private async Task RunClientAsync(Daemon daemon, Random random, bool losesLocks)
    {
        for (var count = 0; count < 12; count++)
        {
            try
            {
                await RunAsync(daemon, random.Next(losesLocks ? 14 : 13), random.Next(Hosts));
            }
            catch (RefusedException refused) when (refused.Reason is Refusal.HostNotFound or Refusal.JobConflict or Refusal.ImageNotFound
                || (losesLocks && refused.Reason == Refusal.StorageUnavailable))
            {
                // What others did came before; or the private file was recovered by the other daemon.
            }
            catch (RefusedException refused)
            {
                faults.Enqueue($"{refused.Reason} {refused.Message} {refused.InnerException?.Message}");
            }
        }
    }

    private async Task RunAsync(Daemon daemon, int action, int host)
    {
        switch (action)
        {
            case < 3: await daemon.FillAsync(1 + host); break;
            case < 9: await ClaimAsync(daemon, host); break;
            case 9: await DeleteAsync(daemon, host); break;
            case 10: await TrimAsync(daemon); break;
            case 11: await daemon.RecoverAsync(); break;
            case 12: ReplaceTemplate(); break;
            default:
                // As when this node is cut off from the volume: the lock is gone, and what runs goes on until the next look.
                await daemon.RunAsync(session =>
                {
                    session.Private.Dispose();
                    return true;
                });
                await daemon.Volume.EnsureSessionAsync(CancellationToken.None);
                break;
        }
    }

    private async Task ClaimAsync(Daemon daemon, int host)
    {
        var before = Volatile.Read(ref version);
        foreach (var copy in (await daemon.Images.ScanAsync(CancellationToken.None)).Copies)
        {
            var result = await daemon.RaceAsync(copy, Sample.Host($"web{host}"));
            if (result.Outcome == PublishOutcome.Published)
            {
                Interlocked.Increment(ref published[host]);
                CheckVersion(host, copy.Inode, before);
            }

            if (result.Outcome is PublishOutcome.Published or PublishOutcome.HostExists)
            {
                return;
            }
        }
    }

    /// <summary>A disk holds the whole of one state of its template, and none that was over when it was asked for.</summary>
    private void CheckVersion(int host, ulong inode, int before)
    {
        try
        {
            var content = store.Read($"web{host}.qcow2");
            var isOurs = store.Stat($"web{host}.qcow2").Inode == inode;
            if (isOurs && !Enumerable.Range(before, Volatile.Read(ref version) - before + 1).Any(state => contents[state].AsSpan().SequenceEqual(content)))
            {
                faults.Enqueue($"web{host} holds no state of its template since {before}");
            }
        }
        catch (FileNotFoundException)
        {
            // Another client deleted it.
        }
    }

    private async Task DeleteAsync(Daemon daemon, int host)
    {
        var answer = await daemon.Remover.RemoveHostAsync(Sample.Host($"web{host}"), false, CancellationToken.None);
        Interlocked.Add(ref removed[host], answer.Removed.Count);
    }

    private static async Task TrimAsync(Daemon daemon)
    {
        if ((await daemon.Images.ScanAsync(CancellationToken.None)).Copies is [var copy, ..])
        {
            await daemon.Publisher.RetireAsync(copy, CancellationToken.None);
        }
    }

    private void ReplaceTemplate()
    {
        lock (contents)
        {
            var content = new byte[20_000];
            new Random(version + 1).NextBytes(content);
            content[0] = 1;
            contents[version + 1] = content;
            File.WriteAllBytes(store["incoming"], content);
            File.SetLastWriteTimeUtc(store["incoming"], Store.Written.AddTicks(version + 1));
            File.Move(store["incoming"], store["centos_template.img"], overwrite: true);

            // Counted after: who reads the number sees this state or a later one.
            Volatile.Write(ref version, version + 1);
        }
    }

    private async Task SettleAsync()
    {
        foreach (var daemon in daemons)
        {
            await daemon.Volume.EnsureSessionAsync(CancellationToken.None);
        }

        await Eventually.HoldsAsync(() => daemons.All(daemon => daemon.RecoverAsync().Wait(TimeSpan.FromSeconds(20))) && store.Private.Count == 0 && store.PrivateDirectories == 2);
    }

    private void Check()
    {
        var template = store.Stat("centos_template.img").Fingerprint;
        for (var host = 0; host < Hosts; host++)
        {
            Assert.Equal((host, published[host] - removed[host]), (host, store.Has($"web{host}.qcow2") ? 1 : 0));
            Assert.True(!store.Has($"web{host}.qcow2") || contents.Values.Any(content => content.AsSpan().SequenceEqual(store.Read($"web{host}.qcow2"))));
        }

        foreach (var copy in daemons[0].Images.ScanAsync(CancellationToken.None).Result.Copies.Where(copy => copy.MadeFrom == template))
        {
            Assert.True(store.Read($"centos_dup_{copy.Number}_ready").AsSpan().SequenceEqual(contents[version]));
        }

        var files = store.Names.Split(' ').Select(store.Stat).ToArray();
        Assert.Equal(files.Length, files.Select(file => file.Inode).Distinct().Count());
        Assert.All(files, file => Assert.Equal(1u, file.Links));
        Assert.Equal(1, Assert.Single(store.Read("bystander.qcow2")));
    }
}
