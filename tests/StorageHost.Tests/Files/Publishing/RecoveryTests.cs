using StorageHost.Files.Catalog;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Tests.Images;
using Xunit;

namespace StorageHost.Tests.Files.Publishing;

public sealed class RecoveryTests : IAsyncLifetime
{
    private readonly Store store = new();
    private Daemon daemon = null!;
    private Daemon dead = null!;
    private string deadName = "";
    private byte[] content = [];

    public async Task InitializeAsync()
    {
        content = store.WriteTemplate(10_000);
        dead = await Daemon.StartAsync(store);
        daemon = await Daemon.StartAsync(store);
        deadName = await dead.RunAsync(session => session.Private.Name);
    }

    public async Task DisposeAsync()
    {
        await daemon.DisposeAsync();
        await dead.DisposeAsync();
        store.Dispose();
    }

    [Fact]
    public async Task A_claim_of_a_dead_daemon_goes_back_to_its_pool()
    {
        var copy = await dead.FillAsync(2);
        await ClaimAsync(1);
        await dead.CrashAsync();
        await daemon.RecoverAsync();
        Assert.Equal("centos_dup_1_ready centos_dup_2_ready centos_template.img", store.Names);
        Assert.Equal((copy[0].Inode, 1u), (store.Stat("centos_dup_1_ready").Inode, store.Stat("centos_dup_1_ready").Links));
        Assert.Equal((1, 0), (store.PrivateDirectories, store.Private.Count));
        using (var returned = File.OpenHandle(store["centos_dup_1_ready"]))
        {
            Assert.True(RecoveredMark.IsOn(returned, "centos_dup_1_ready"));
        }

        var found = (await daemon.Images.ScanAsync(CancellationToken.None)).Copies.Single(found => found.Number == 1);
        await daemon.PublishAsync(found, Sample.Web01);
        Assert.True(store.Read("web01.qcow2").AsSpan().SequenceEqual(content));
    }

    [Fact]
    public async Task A_claim_that_has_its_final_name_loses_the_private_one_only()
    {
        await dead.FillAsync(1);
        await ClaimAsync(1);
        Assert.True(store.Link($"{deadName}/claim-9-centos", "web01.qcow2"));
        await dead.CrashAsync();
        await daemon.RecoverAsync();
        Assert.Equal("centos_template.img web01.qcow2", store.Names);
        Assert.Equal(1u, store.Stat("web01.qcow2").Links);
        Assert.Equal(1, store.PrivateDirectories);
    }

    [Fact]
    public async Task A_disk_that_was_deleted_before_its_publisher_was_recovered_is_no_copy_any_more()
    {
        await dead.FillAsync(1);
        await ClaimAsync(1);
        Assert.True(store.Link($"{deadName}/claim-9-centos", "web01.qcow2"));
        await dead.CrashAsync();
        await daemon.Remover.RemoveHostAsync(Sample.Web01, false, CancellationToken.None);
        await daemon.RecoverAsync();
        Assert.DoesNotContain((await daemon.Images.ScanAsync(CancellationToken.None)).Copies, copy => copy.MadeFrom is not null);
    }

    [Fact]
    public async Task What_a_dead_daemon_was_making_is_deleted()
    {
        store.Write($"{deadName}/making/1-centos", 1, 2);
        store.Write($"{deadName}/making/2-", 1, 2);
        store.Write($"{deadName}/unknown", 1, 2);
        store.Write($"{deadName}/claim-3-a_dup_b", 1, 2);
        await dead.CrashAsync();
        await daemon.RecoverAsync();
        Assert.Equal(("centos_template.img", 1, 0), (store.Names, store.PrivateDirectories, store.Private.Count));
    }

    [Fact]
    public async Task A_claim_without_a_record_goes_back_but_is_nobodys_copy()
    {
        store.Write($"{deadName}/claim-1-centos", 1, 2);
        await dead.CrashAsync();
        await daemon.RecoverAsync();
        Assert.Null(Assert.Single((await daemon.Images.ScanAsync(CancellationToken.None)).Copies).MadeFrom);
    }

    [Fact]
    public async Task A_daemon_that_lives_keeps_what_it_works_on()
    {
        var claims = await dead.Engine.MakeAsync(Sample.Centos, 2, _ => default, CancellationToken.None);
        store.Write($"{deadName}/making/99-", 1);
        await daemon.RecoverAsync();
        Assert.Equal((2, 3), (store.PrivateDirectories, store.Private.Count));
        await dead.Publisher.AddToPoolAsync(claims[0], CancellationToken.None);
        Assert.True(store.Has("centos_dup_1_ready"));
    }

    [Fact]
    public async Task Of_its_own_files_it_tidies_up_those_that_nobody_works_on_any_more()
    {
        var claims = await daemon.Engine.MakeAsync(Sample.Centos, 3, _ => default, CancellationToken.None);
        var making = await daemon.RunAsync(session => session.Private.NewFile(PrivateKind.Making));
        store.Write(making.Name, 1);
        claims[0].File.Dispose();
        making.Dispose();
        await daemon.RunAsync(session => session.Mount.TryRename(claims[1].File.Name, $"{session.Private.Name}/claim-99-centos"));
        claims[1].File.Dispose();
        await daemon.RecoverAsync();

        // What the engine makes counts as in the making until it is claimed: only a claim goes back.
        Assert.Equal("centos_dup_1_ready centos_template.img", store.Names);
        Assert.Equal(store[claims[2].File.Name], Assert.Single(store.Private));
    }

    [Fact]
    public async Task A_directory_without_a_lock_is_a_dead_daemons()
    {
        Directory.CreateDirectory(store[".storagehost/0123456789abcdef0123456789abcdef"]);
        store.Write(".storagehost/0123456789abcdef0123456789abcdef/making-1-", 1);
        await daemon.RecoverAsync();
        Assert.Equal(2, store.PrivateDirectories);
    }

    [Fact]
    public async Task Nothing_else_under_the_private_root_is_touched()
    {
        Directory.CreateDirectory(store[".storagehost/keep"]);
        store.Write(".storagehost/keep/making-1-", 1);
        store.Write(".storagehost/note", 1);
        await daemon.Images.WriteLevelAsync(Sample.Centos, 3, CancellationToken.None);
        await daemon.RecoverAsync();
        Assert.True(store.Has(".storagehost/keep/making-1-") && store.Has(".storagehost/note") && store.Has(".storagehost/levels/centos"));
    }

    [Fact]
    public async Task Interrupted_anywhere_and_repeated_it_comes_to_the_same_end()
    {
        await dead.FillAsync(3);
        await ClaimAsync(1);
        await dead.CrashAsync();

        // As a recovery leaves it that was cut short: after taking the claim, and after giving it back but before tidying up.
        var second = await Daemon.StartAsync(store);
        await second.RunAsync(session => session.Mount.TryRename($"{deadName}/claim-9-centos", $"{session.Private.Name}/claim-1-centos"));
        await second.CrashAsync();
        var third = await Daemon.StartAsync(store);
        await third.RunAsync(session => session.Mount.TryRename("centos_dup_2_ready", $"{session.Private.Name}/claim-1-centos")
            && store.Link($"{session.Private.Name}/claim-1-centos", "centos_dup_2_ready"));
        await third.CrashAsync();
        for (var runs = 0; runs < 3; runs++)
        {
            await daemon.RecoverAsync();
            Assert.Equal("centos_dup_1_ready centos_dup_2_ready centos_dup_3_ready centos_template.img", store.Names);
            Assert.Equal((1, 0), (store.PrivateDirectories, store.Private.Count));
        }

        Assert.Equal(3, (await daemon.Images.ScanAsync(CancellationToken.None)).Copies.Count(copy => copy.MadeFrom is not null));
    }

    [Fact]
    public async Task Several_that_recover_at_once_lose_and_double_nothing()
    {
        await dead.FillAsync(8);
        for (var number = 1; number <= 8; number++)
        {
            await dead.RunAsync(session => session.Mount.TryRename($"centos_dup_{number}_ready", $"{deadName}/claim-{number}-centos"));
        }

        await dead.CrashAsync();
        await using var other = await Daemon.StartAsync(store);
        await Task.WhenAll(daemon.RecoverAsync(), other.RecoverAsync(), daemon.RecoverAsync(), other.RecoverAsync());
        await daemon.RecoverAsync();
        var copies = (await daemon.Images.ScanAsync(CancellationToken.None)).Copies;
        Assert.Equal((8, 8, 0, 2), (copies.Count, copies.Select(copy => copy.Inode).Distinct().Count(), store.Private.Count, store.PrivateDirectories));
    }

    [Theory]
    [InlineData(11, 0, false, true)]
    [InlineData(11, 2, false, true)]
    [InlineData(11, -2, false, true)]
    [InlineData(9, 0, false, false)]
    [InlineData(9, 2, false, false)]
    [InlineData(11, 0, true, false)]
    public async Task What_the_old_daemon_was_copying_is_swept_once_it_stays_as_it_is_and_nobody_holds_it(int seconds, int clockSetByHours, bool locked, bool swept)
    {
        store.Write("centos_dup_4copying", 1);
        await daemon.Images.ScanAsync(CancellationToken.None);
        daemon.Clock.Set(TimeSpan.FromHours(clockSetByHours));
        daemon.Clock.Advance(TimeSpan.FromSeconds(seconds));
        using var holder = File.OpenHandle(store["centos_dup_4copying"], FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        Assert.True(!locked || new OfdLocks().TryLock(holder, "copying"));
        await daemon.RecoverAsync();
        await daemon.Images.ScanAsync(CancellationToken.None);
        Assert.Equal(!swept, store.Has("centos_dup_4copying"));
    }

    [Fact]
    public async Task What_the_old_daemon_still_writes_to_stays()
    {
        store.Write("centos_dup_4copying", 1);
        await daemon.Images.ScanAsync(CancellationToken.None);
        daemon.Clock.Advance(TimeSpan.FromSeconds(11));
        store.Write("centos_dup_4copying", 1, 2);
        await daemon.Images.ScanAsync(CancellationToken.None);
        Assert.True(store.Has("centos_dup_4copying"));
    }

    private Task<bool> ClaimAsync(int number) => dead.RunAsync(session => session.Mount.TryRename($"centos_dup_{number}_ready", $"{deadName}/claim-9-centos"));
}
