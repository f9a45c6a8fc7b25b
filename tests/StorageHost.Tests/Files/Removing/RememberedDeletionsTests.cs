using StorageHost.Files.Posix;
using StorageHost.Files.Removing;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Ports;
using StorageHost.ImageStorages;
using StorageHost.Tests.Images;
using StorageHost.Tests.ImageStorages;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Files.Removing;

/// <summary>A file comes back here when a name that a test has put aside is given to it again: it is the very file, as on a brick that was away.</summary>
public sealed class RememberedDeletionsTests : IAsyncLifetime
{
    private const string Disk = "web01.qcow2";
    private const string Data = "web01_storage_5G";

    private readonly Store store = Store.Quick();
    private Daemon daemon = null!;
    private string volumeName = "";

    private string[] Records => Directory.Exists(store[DeletionRecords.Folder]) ? [.. Directory.EnumerateFiles(store[DeletionRecords.Folder]).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)] : [];

    public async Task InitializeAsync()
    {
        daemon = await Daemon.StartAsync(store, bringsBack: true);
        store.Write(Disk, 1);
        store.Write(Data, 2);
        volumeName = await daemon.RunAsync(session => GlusterCluster.VolumeOf(session.MountPoint.Source));
        daemon.Known.Cluster = Pool(true, true, true);
    }

    public async Task DisposeAsync()
    {
        await daemon.DisposeAsync();
        store.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_back_is_deleted_again(bool byAnotherDaemon)
    {
        PutAside(Disk, Data);
        await RemoveAsync(purge: true);
        await BringBackAsync(Disk, Data);
        await using var other = await Daemon.StartAsync(store, bringsBack: true);
        await ScanAsync(byAnotherDaemon ? other : daemon);
        Assert.Equal("", store.Names);
        Assert.Equal(2, (byAnotherDaemon ? other : daemon).Meters.Measured["storagehost.deletions.repeated"].Sum);
        Assert.Equal<string>(
            [.. new[] { Disk, Data }.Select(file => $"Warning: {file} had been deleted and was there again, brought back by a brick that was away: it was deleted again")],
            (byAnotherDaemon ? other : daemon).DeletionLog.Lines.Order(StringComparer.Ordinal),
            StringComparer.Ordinal);
    }

    [Fact]
    public async Task What_is_back_twice_is_deleted_twice()
    {
        PutAside(Disk);
        await RemoveAsync();
        await BringBackAsync(Disk);
        PutAside(Disk);
        await ScanAsync();
        Assert.Equal(Data, store.Names);
        await BringBackAsync(Disk);
        await ScanAsync();
        Assert.Equal(Data, store.Names);
    }

    [Fact]
    public async Task A_new_disk_of_that_name_stays()
    {
        PutAside(Disk);
        await RemoveAsync();
        store.Write(Disk, 3);
        await ScanAsync();
        Assert.Equal([3], store.Read(Disk));
        Assert.Equal(0, daemon.Meters.Measured["storagehost.deletions.repeated"].Sum);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_QEMU_or_another_daemon_holds_is_left_alone_until_it_is_free(bool isQemu)
    {
        PutAside(Disk);
        await RemoveAsync();
        await BringBackAsync(Disk);
        using var mount = store.Open();
        using (var held = isQemu ? NativeCalls.OpenAsQemu(store[Disk]) : mount.Open(Disk))
        {
            Assert.True(isQemu || mount.Locks.TryKeepQemuOut(held, Disk));
            await ScanAsync();
            Assert.True(store.Has(Disk));
        }

        await ScanAsync();
        Assert.False(store.Has(Disk));
    }

    [Fact]
    public async Task QEMU_is_kept_out_of_what_was_deleted_again()
    {
        PutAside(Disk);
        await RemoveAsync();
        await BringBackAsync(Disk);
        using var mount = store.Open();
        using var qemu = mount.Open(Disk, Syscalls.ReadWrite);
        await ScanAsync();
        Assert.False(store.Has(Disk));
        Assert.True(OfdLocks.IsLockedByOthers(qemu, Disk));
    }

    [Fact]
    public async Task Something_else_of_that_name_is_left_alone()
    {
        await RemoveAsync(purge: true);
        Directory.CreateDirectory(store[Disk]);
        NativeCalls.MakeFifo(store[Data]);
        await ScanAsync();
        Assert.Equal($"{Disk} {Data}", store.Names);
    }

    [Fact]
    public async Task A_template_that_is_back_is_not_offered()
    {
        store.WriteTemplate([1, 2]);
        await daemon.FillAsync(1);
        PutAside("centos_template.img");
        await daemon.Remover.RemoveImageAsync(Sample.Centos, CancellationToken.None);
        await BringBackAsync("centos_template.img");
        var scan = await daemon.Images.ScanAsync(CancellationToken.None);
        Assert.Empty(scan.Templates);
        Assert.Equal($"{Disk} {Data}", store.Names);
    }

    [Fact]
    public async Task A_copy_that_was_deleted_as_a_disk_is_not_offered_under_the_name_that_it_had_before()
    {
        store.WriteTemplate([1, 2]);
        var copies = await daemon.FillAsync(2);
        await daemon.PublishAsync(copies[0], Sample.Web02);
        PutAside("web02.qcow2");
        await daemon.Remover.RemoveHostAsync(Sample.Web02, purge: false, CancellationToken.None);
        await BringBackAsync("web02.qcow2");
        File.Move(store["web02.qcow2"], store["centos_dup_1_ready"]);
        Assert.Equal(2, Assert.Single((await daemon.Images.ScanAsync(CancellationToken.None)).Copies).Number);
        Assert.False(store.Has("centos_dup_1_ready"));
    }

    [Fact]
    public async Task A_deletion_that_a_crash_cut_short_is_completed()
    {
        var deletion = new Deletion(store.Stat(Disk).Inode, Sample.Names.SystemDisk(Sample.Web01));
        await daemon.RunAsync(session =>
        {
            daemon.Deletions.Remember(session, [deletion]);
            return true;
        });
        Assert.Equal($"{deletion.Inode:x16}-{Disk}", Assert.Single(Records));
        await ScanAsync();
        Assert.Equal(Data, store.Names);
    }

    [Fact]
    public async Task What_was_not_deleted_is_not_remembered()
    {
        store.WriteTemplate([1, 2]);
        Directory.CreateDirectory(store[".storagehost/levels/centos"]);
        await Assert.ThrowsAsync<RefusedException>(() => daemon.Remover.RemoveImageAsync(Sample.Centos, CancellationToken.None));
        using (NativeCalls.OpenAsQemu(store[Data]))
        {
            await Assert.ThrowsAsync<RefusedException>(() => RemoveAsync(purge: true));
        }

        Assert.Empty(Records);
    }

    [Fact]
    public async Task What_is_forgotten_stays()
    {
        var deletion = new Deletion(store.Stat(Disk).Inode, Sample.Names.SystemDisk(Sample.Web01));
        await daemon.RunAsync(session =>
        {
            daemon.Deletions.Remember(session, [deletion]);
            daemon.Deletions.Forget(session, [deletion]);
            return true;
        });
        Assert.Empty(Records);
        await ScanAsync();
        Assert.True(store.Has(Disk));
    }

    [Fact]
    public async Task Without_Gluster_nothing_is_remembered()
    {
        await using var other = await Daemon.StartAsync(store);
        PutAside(Disk);
        await other.Remover.RemoveHostAsync(Sample.Web01, purge: false, CancellationToken.None);
        Assert.False(Directory.Exists(store[DeletionRecords.Folder]));
        await daemon.RunAsync(session => session.Mount.TryRename(Aside(Disk), Disk));
        await other.Images.ScanAsync(CancellationToken.None);
        Assert.True(store.Has(Disk));
    }

    [Fact]
    public async Task A_record_goes_five_minutes_after_it_was_first_seen_while_all_bricks_are_there()
    {
        await RemoveAsync();
        await PassAsync(TimeSpan.FromMinutes(5));
        Assert.Single(Records);
        await PassAsync(TimeSpan.FromSeconds(15));
        Assert.Empty(Records);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_record_stays_while_a_brick_is_away_and_five_minutes_longer(bool nothingNewIsKnown)
    {
        await RemoveAsync();
        daemon.Known.Cluster = Pool(true, false, true) with { Problem = nothingNewIsKnown ? "peers do not answer" : null };
        await PassAsync(TimeSpan.FromHours(10), TimeSpan.FromMinutes(10));
        daemon.Known.Cluster = Pool(true, true, true);
        await PassAsync(TimeSpan.FromSeconds(285));
        Assert.Single(Records);
        await PassAsync(TimeSpan.FromSeconds(15));
        Assert.Empty(Records);
    }

    [Theory]
    [InlineData("no facts")]
    [InlineData("old facts")]
    [InlineData("healing")]
    [InlineData("not asked")]
    public async Task A_record_stays_for_an_hour_while_nobody_knows(string what)
    {
        daemon.Known.Cluster = what switch
        {
            "no facts" => Facts<GlusterCluster>.None,
            "healing" => Known.ClusterOf(Volume(true, true, true) with { HealPending = 1 }),
            "not asked" => Pool(true, null, true),
            _ => Pool(true, true, true),
        };
        await RemoveAsync();
        await PassAsync(TimeSpan.FromMinutes(60), renewed: what != "old facts");
        Assert.Single(Records);
        await PassAsync(TimeSpan.FromSeconds(15), renewed: what != "old facts");
        Assert.Empty(Records);
    }

    [Fact]
    public async Task A_folder_that_cannot_be_read_is_said_once_and_hinders_nothing_else()
    {
        store.Write(DeletionRecords.Folder);
        for (var times = 0; times < 2; times++)
        {
            Assert.Empty((await ScanAsync()).Copies);
        }

        Assert.Equal($"Warning: Deleted files cannot be checked now: open {DeletionRecords.Folder}: ENOTDIR", Assert.Single(daemon.DeletionLog.Lines));
    }

    [Fact]
    public async Task With_too_many_records_deletions_go_on_without()
    {
        Directory.CreateDirectory(store[DeletionRecords.Folder]);
        for (var number = 0; number < 10_000; number++)
        {
            store.Write($"{DeletionRecords.Folder}/{number:x16}-web02.qcow2");
        }

        await ScanAsync();
        await RemoveAsync();
        Assert.Equal((10_000, Data), (Records.Length, store.Names));
        Assert.StartsWith($"Warning: No record was made of the deletion of {Disk}: there are too many records", Assert.Single(daemon.DeletionLog.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void A_volume_is_whole_when_it_is_known_to_be()
    {
        var well = Known.Volume();
        Assert.True(IsWhole(well));
        Assert.True(IsWhole(well with { SetSize = 1, HealPending = null }));
        Assert.False(IsWhole(well with { IsStarted = false }));
        Assert.False(IsWhole(Known.WithBricks(well, true, false, null)));
        Assert.False(IsWhole(well, connected: false));
        Assert.Null(IsWhole(Known.WithBricks(well, true, null, true)));
        Assert.Null(IsWhole(well with { HealPending = null }));
        Assert.Null(IsWhole(well with { HealPending = 1 }));
        Assert.Null(new GlusterCluster([], []).IsWhole("vms"));
    }

    [Theory]
    [InlineData("n1:/vms")]
    [InlineData("n1:vms")]
    [InlineData("n1:/vms/folder")]
    public void A_source_names_its_volume(string source) => Assert.Equal("vms", GlusterCluster.VolumeOf(source));

    [Fact]
    public async Task What_is_no_record_is_left_alone()
    {
        Directory.CreateDirectory(store[DeletionRecords.Folder]);
        foreach (var name in new[] { "x", "0000000000000001-", "0000000000000001-..", "000000000000000g-web01.qcow2", "1-web01.qcow2", $"{store.Stat(Disk).Inode:x16}_{Disk}" })
        {
            store.Write($"{DeletionRecords.Folder}/{name}");
        }

        await PassAsync(TimeSpan.FromHours(2), TimeSpan.FromMinutes(10));
        Assert.Equal((6, $"{Disk} {Data}"), (Records.Length, store.Names));
    }

    // It is called as the daemon takes the test's own file system to be called.
    private GlusterVolume Volume(params bool?[] online) => Known.WithBricks(Known.Volume(volumeName), online);

    private Facts<GlusterCluster> Pool(params bool?[] online) => Known.ClusterOf(Volume(online));

    /// <summary>Keeps a file under a name that nobody looks at.</summary>
    private void PutAside(params string[] names)
    {
        foreach (var name in names)
        {
            Assert.True(store.Link(name, Aside(name)));
        }
    }

    /// <summary>Gives it its name again, once its deletion is so long ago that nobody holds it any more.</summary>
    private async Task BringBackAsync(params string[] names)
    {
        daemon.Clock.Advance(TimeSpan.FromSeconds(2));
        using var mount = store.Open();
        foreach (var name in names)
        {
            using (var file = mount.Open(Aside(name)))
            {
                await Eventually.HoldsAsync(() => !OfdLocks.IsLockedByOthers(file, name));
            }

            Assert.True(mount.TryRename(Aside(name), name));
        }
    }

    private static string Aside(string name) => $"{PrivateDirectory.Root}/aside-{name}";

    /// <summary>Time passes, with a look each quarter of a minute.</summary>
    private async Task PassAsync(TimeSpan span, TimeSpan? step = null, bool renewed = true)
    {
        for (var end = daemon.Clock.GetUtcNow() + span; daemon.Clock.GetUtcNow() < end;)
        {
            daemon.Clock.Advance(step ?? TimeSpan.FromSeconds(15));
            daemon.Known.Cluster = renewed && daemon.Known.Cluster.Value is not null ? daemon.Known.Cluster with { TakenAt = daemon.Clock.GetUtcNow() } : daemon.Known.Cluster;
            await ScanAsync();
        }
    }

    private static bool? IsWhole(GlusterVolume volume, bool connected = true) => new GlusterCluster([new GlusterNode("n3", connected)], [volume]).IsWhole(volume.Name);

    private Task<RemovedHost> RemoveAsync(bool purge = false) => daemon.Remover.RemoveHostAsync(Sample.Web01, purge, CancellationToken.None);

    private Task<VolumeScan> ScanAsync(Daemon? by = null) => (by ?? daemon).Images.ScanAsync(CancellationToken.None);
}
