using StorageHost.Files.Catalog;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Disks;
using StorageHost.Images.Pools;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;
using StorageHost.Tests.Images;
using StorageHost.Tests.Qemu;
using Xunit;

namespace StorageHost.Tests.Files.Publishing;

/// <summary>Claims that become larger disks. What has grown is one host's disk or nobody's, and never a copy again.</summary>
public sealed class SizedDiskTests : IAsyncLifetime
{
    private const string Template = "centos_template.img";
    private const string Disk = "web01.qcow2";
    private const string Roomy = "compat=1.1";

    /// <summary>With clusters so small the L1 table has to move.</summary>
    private const string Tight = "cluster_size=4K";

    private readonly Store store = new();
    private Daemon daemon = null!;

    public async Task InitializeAsync() => daemon = await Daemon.StartAsync(store);

    public async Task DisposeAsync()
    {
        await daemon.DisposeAsync();
        store.Dispose();
    }

    [Theory]
    [InlineData(Roomy)]
    [InlineData(Tight)]
    public async Task A_copy_becomes_a_larger_disk(string options)
    {
        var copy = await FillAsync(options);
        Assert.Equal(PublishOutcome.Published, (await PublishAsync(copy, 40)).Outcome);
        Assert.Equal($"{Template} {Disk}", store.Names);
        Assert.Equal((copy.Inode, 1u), (store.Stat(Disk).Inode, store.Stat(Disk).Links));
        Assert.Equal(40L << 30, RealQemuImg.Inspect(store[Disk]).VirtualBytes);
        Assert.True(await RealQemuImg.IsSoundAsync(store[Disk]));
        await RealQemuImg.RunAsync("compare", "-q", "-f", "qcow2", "-F", "qcow2", store[Template], store[Disk]);
        Assert.Empty(store.Private);
    }

    [Fact]
    public async Task A_raw_copy_does_so_too()
    {
        var content = store.WriteTemplate(100_000);
        Assert.Equal(PublishOutcome.Published, (await PublishAsync((await daemon.FillAsync(1)).Single(), 1)).Outcome);
        Assert.Equal(1L << 30, store.Stat(Disk).Fingerprint.Size);
        await using var file = File.OpenRead(store[Disk]);
        var begin = new byte[200_000];
        file.ReadExactly(begin);
        Assert.True(begin.AsSpan().SequenceEqual([.. content, .. new byte[100_000]]));
    }

    [Fact]
    public async Task A_claim_that_was_made_for_the_caller_does_so_too()
    {
        await MakeTemplateAsync(Tight);
        var claim = (await daemon.Engine.MakeAsync(Sample.Centos, 1, _ => default, CancellationToken.None)).Single();
        Assert.Equal(PublishOutcome.Published, (await daemon.Publisher.PublishAsync(claim, Sample.Web01, 40, null, CancellationToken.None)).Outcome);
        Assert.Equal(40L << 30, RealQemuImg.Inspect(store[Disk]).VirtualBytes);
    }

    [Fact]
    public async Task The_size_of_the_template_changes_nothing()
    {
        var copy = await FillAsync(Roomy);
        Assert.Equal(PublishOutcome.Published, (await PublishAsync(copy, 1)).Outcome);
        Assert.Equal(store.Stat(Template).Fingerprint.ModifiedNs, store.Stat(Disk).Fingerprint.ModifiedNs);
    }

    [Fact]
    public async Task What_has_grown_is_thrown_away_when_its_name_is_taken()
    {
        var copy = await FillAsync(Roomy);
        store.Write(Disk, 9);
        var result = await PublishAsync(copy, 40);
        Assert.Equal((PublishOutcome.HostExists, (Copy?)null), (result.Outcome, result.Returned));
        Assert.Equal(($"{Template} {Disk}", 9), (store.Names, store.Read(Disk)[0]));
        Assert.Empty(store.Private);
    }

    [Fact]
    public async Task Who_has_left_leaves_the_copy_as_it_was()
    {
        var copy = await FillAsync(Roomy);
        var claim = (await daemon.Publisher.ClaimAsync(copy, CancellationToken.None))!;
        var result = await daemon.Publisher.PublishAsync(claim, Sample.Web01, 40, null, new CancellationToken(canceled: true));
        Assert.Equal((PublishOutcome.Abandoned, copy), (result.Outcome, result.Returned));
        Assert.Equal(store.Read(Template), store.Read("centos_dup_1_ready"));
    }

    [Fact]
    public async Task A_size_that_is_refused_leaves_the_copy_as_it_was()
    {
        var copy = await FillAsync(Roomy, "3G");
        Assert.Equal(Refusal.InvalidSize, (await Assert.ThrowsAsync<RefusedException>(() => PublishAsync(copy, 2))).Reason);
        Assert.Equal(Refusal.InvalidSize, (await Assert.ThrowsAsync<RefusedException>(async () => await daemon.Publisher.CheckSizeAsync(Sample.Centos, 2, CancellationToken.None))).Reason);
        Assert.Equal(Refusal.ImageNotFound, (await Assert.ThrowsAsync<RefusedException>(async () => await daemon.Publisher.CheckSizeAsync(Sample.Debian, 2, CancellationToken.None))).Reason);
        Assert.Equal($"centos_dup_1_ready {Template}", store.Names);
        Assert.Equal(PublishOutcome.Published, (await PublishAsync(copy, 3)).Outcome);
    }

    [Fact]
    public async Task Tables_that_would_break_into_the_reserve_are_refused()
    {
        await daemon.DisposeAsync();
        daemon = await Daemon.StartAsync(store, storage: new StorageOptions { Directory = store.Path, Threads = 4, ReservePercent = 100 });
        var copy = await FillAsync(Tight);
        var refused = await Assert.ThrowsAsync<RefusedException>(() => PublishAsync(copy, 40));
        Assert.Equal(Refusal.NoSpace, refused.Reason);
        Assert.True(refused.NeededBytes >= 40 * 4096, $"{refused.NeededBytes}");
        Assert.Equal($"centos_dup_1_ready {Template}", store.Names);
    }

    [Fact]
    public async Task A_template_that_was_replaced_is_looked_at_anew()
    {
        await PublishAsync(await FillAsync(Roomy), 40);
        await RealQemuImg.RunAsync("create", "-q", "-f", "qcow2", store["new"], "50G");
        File.Move(store["new"], store[Template], overwrite: true);
        File.SetLastWriteTimeUtc(store[Template], Store.Written);
        var copy = (await daemon.FillAsync(1)).Single();
        await daemon.Publisher.CheckSizeAsync(Sample.Centos, 40, CancellationToken.None);
        Assert.Equal(Refusal.InvalidSize, (await Assert.ThrowsAsync<RefusedException>(() => PublishAsync(copy, 40))).Reason);
        Assert.Equal(50L << 30, RealQemuImg.Inspect(store["centos_dup_1_ready"]).VirtualBytes);
    }

    /// <summary>Another daemon has recovered the claim and given it to a host; this one, which was cut off, must not write into it.</summary>
    [Theory]
    [InlineData(Roomy)]
    [InlineData(Tight)]
    public async Task A_claim_that_is_another_daemons_by_now_is_not_written_to(string options)
    {
        var copy = await FillAsync(options);
        var claim = (await daemon.Publisher.ClaimAsync(copy, CancellationToken.None))!;
        File.Move(store[claim.File.Name], store["web02.qcow2"]);
        Assert.Equal(PublishOutcome.Gone, (await daemon.Publisher.PublishAsync(claim, Sample.Web01, 40, null, CancellationToken.None)).Outcome);
        Assert.Equal(store.Read(Template), store.Read("web02.qcow2"));
        Assert.Equal($"{Template} web02.qcow2", store.Names);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_was_to_grow_when_its_daemon_died_is_never_a_copy_again(bool hasGrown)
    {
        var dead = await Daemon.StartAsync(store);
        var copy = await FillAsync(Roomy);
        var name = await LeaveAsync(dead, copy, hasGrown ? 40 : null);
        Assert.Matches("making/[0-9]+-[.]40G$", name);
        await daemon.RecoverAsync();
        Assert.Equal(Template, store.Names);
        Assert.Empty(store.Private);
    }

    [Theory]
    [InlineData(true, false, 40)]
    [InlineData(false, false, 40)]
    [InlineData(false, true, 1)]
    public async Task A_disk_whose_daemon_died_before_its_commit_gets_its_size(bool hasGrown, bool isOpen, int sizeGb)
    {
        var dead = await Daemon.StartAsync(store);
        var copy = await FillAsync(Roomy);
        Assert.True(store.Link(await LeaveAsync(dead, copy, hasGrown ? 40 : null), Disk));
        await using var guest = File.Open(store[Disk], FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        if (isOpen)
        {
            using var mount = store.Open();
            Assert.True(mount.Locks.TryLock(guest.SafeFileHandle, Disk, 100, 4));
        }

        await daemon.RecoverAsync();
        Assert.Equal(($"{Template} {Disk}", 1u), (store.Names, store.Stat(Disk).Links));
        Assert.Equal((long)sizeGb << 30, RealQemuImg.Inspect(store[Disk]).VirtualBytes);
        Assert.Empty(store.Private);
    }

    [Fact]
    public async Task The_same_request_is_not_told_of_a_disk_before_it_has_its_size()
    {
        var mark = new RequestMark("key", "setimage centos web01 size=40", DiskSource.Pool);
        var dead = await Daemon.StartAsync(store);
        var copy = await FillAsync(Roomy);
        var name = await LeaveAsync(dead, copy, null);
        Assert.True(store.Link(name, Disk));
        using (var file = File.OpenHandle(store[Disk], access: FileAccess.ReadWrite))
        {
            RequestMarks.Write(file, name, mark);
        }

        Assert.Equal(Refusal.StorageUnavailable, (await Assert.ThrowsAsync<RefusedException>(() => daemon.Publisher.FindAsync(Sample.Web01, mark, CancellationToken.None))).Reason);
        await daemon.RecoverAsync();
        Assert.Equal(PublishOutcome.Repeated, (await daemon.Publisher.FindAsync(Sample.Web01, mark, CancellationToken.None))!.Outcome);
        Assert.Equal(40L << 30, RealQemuImg.Inspect(store[Disk]).VirtualBytes);
    }

    /// <summary>As a loss of power may leave it: what was written is there, what was renamed is not, and the times are the old ones.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_half_grown_copy_of_the_same_length_and_time_is_not_handed_out(bool isClaimed)
    {
        var copy = await FillAsync(Roomy);
        var name = "centos_dup_1_ready";
        if (isClaimed)
        {
            var dead = await Daemon.StartAsync(store);
            name = (await dead.Publisher.ClaimAsync(copy, CancellationToken.None))!.File.Name;
            await dead.CrashAsync();
        }

        var before = store.Stat(name).Fingerprint;
        Poke(name, 40);
        Assert.Equal(before, store.Stat(name).Fingerprint);
        await daemon.RecoverAsync();
        var found = (await daemon.Images.ScanAsync(CancellationToken.None)).Copies;
        Assert.Equal(isClaimed ? [] : new Origin?[] { null }, found.Select(found => found.MadeFrom));
    }

    private async Task MakeTemplateAsync(string options, string size = "1G")
    {
        await RealQemuImg.RunAsync("create", "-q", "-f", "qcow2", "-o", options, store[Template], size);
        await RealQemuImg.WriteAsync(store[Template], "write -P 7 1m 300k", "write -P 8 900m 64k");
        File.SetLastWriteTimeUtc(store[Template], Store.Written);
    }

    private async Task<Copy> FillAsync(string options, string size = "1G")
    {
        await MakeTemplateAsync(options, size);
        return (await daemon.FillAsync(1)).Single();
    }

    private async Task<PublishResult> PublishAsync(Copy copy, int sizeGb) =>
        await daemon.Publisher.PublishAsync((await daemon.Publisher.ClaimAsync(copy, CancellationToken.None))!, Sample.Web01, sizeGb, null, CancellationToken.None);

    /// <summary>Has a daemon die while it makes a copy larger.</summary>
    /// <returns>The private name.</returns>
    private async Task<string> LeaveAsync(Daemon dead, Copy copy, int? sizeGb)
    {
        var claim = (await dead.Publisher.ClaimAsync(copy, CancellationToken.None))!;
        await dead.RunAsync(session => session.Private.TryMove(session.Mount, claim.File, PrivateKind.Making, PrivateNames.DetailOfSize(40)));
        if (sizeGb is { } size)
        {
            Poke(claim.File.Name, size);
        }

        await dead.CrashAsync();
        return claim.File.Name;
    }

    /// <summary>Writes the size into the header, as the growth does, and leaves the times alone.</summary>
    private void Poke(string name, int sizeGb)
    {
        var (time, plan) = (store.Stat(name).Fingerprint.ModifiedNs, Planned(name, sizeGb));
        using var file = File.OpenHandle(store[name], FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        RandomAccess.Write(file, plan.Bytes.Span, plan.Offset);
        CopyRecord.SetTime(file, name, time);
    }

    private ImageWrite Planned(string name, int sizeGb)
    {
        using var file = File.OpenHandle(store[name]);
        return new StorageHost.Qemu.ImageGrower().Plan(new HeaderSource(file, name), ImageFormat.Qcow2, (long)sizeGb << 30, null).Steps.Single().Writes.Single();
    }
}
