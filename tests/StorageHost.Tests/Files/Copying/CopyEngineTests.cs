using Moq;
using StorageHost.Files.Catalog;
using StorageHost.Images;
using StorageHost.Images.Pools;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;
using StorageHost.Tests.Images;
using StorageHost.Tests.Qemu;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Files.Copying;

public sealed class CopyEngineTests : IAsyncLifetime
{
    private const int Length = (9 << 20) + 123;

    private readonly Store store = new();
    private readonly Mock<IImageInspector> inspector = new();
    private Daemon daemon = null!;

    public async Task InitializeAsync()
    {
        inspector.Setup(port => port.Inspect(It.IsAny<IHeaderSource>())).Returns((IHeaderSource source) => new ImageHeader(ImageFormat.Raw, source.Length, null, null));
        daemon = await Daemon.StartAsync(store, inspector.Object);
    }

    public async Task DisposeAsync()
    {
        await daemon.DisposeAsync();
        store.Dispose();
    }

    [Fact]
    public async Task Every_copy_holds_what_the_template_holds_and_is_a_file_of_its_own()
    {
        var content = store.WriteTemplate(Length);
        var claims = await MakeAsync(3);
        Assert.All(claims, claim => Assert.True(File.ReadAllBytes(store[claim.File.Name]).AsSpan().SequenceEqual(content)));
        var template = store.Stat("centos_template.img");
        var stats = claims.Select(claim => store.Stat(claim.File.Name)).Append(template).ToArray();
        Assert.Equal(4, stats.Select(stat => stat.Inode).Distinct().Count());
        Assert.All(stats, stat => Assert.Equal((1u, Length, template.Fingerprint.ModifiedNs), (stat.Links, stat.Fingerprint.Size, stat.Fingerprint.ModifiedNs)));
        Assert.All(claims, claim => Assert.Equal((Sample.Centos, template.Fingerprint), (claim.Image, claim.MadeFrom)));
    }

    [Fact]
    [System.Runtime.Versioning.SupportedOSPlatform("linux")]
    public async Task A_copy_remembers_its_template_and_has_the_mode_of_a_disk()
    {
        store.WriteTemplate(1000);
        var claim = (await MakeAsync(1)).Single();
        using var file = File.OpenHandle(store[claim.File.Name]);
        Assert.Equal(claim.MadeFrom, CopyRecord.Read(file, "copy")?.Template);
        Assert.True(PublishedFormat.IsRaw(file, "copy"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead, File.GetUnixFileMode(store[claim.File.Name]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(65_536)]
    [InlineData(65_537)]
    [InlineData(4 << 20)]
    [InlineData((4 << 20) + 1)]
    public async Task Any_length_is_copied(int length)
    {
        var content = store.WriteTemplate(length);
        Assert.True(File.ReadAllBytes(store[(await MakeAsync(1)).Single().File.Name]).AsSpan().SequenceEqual(content));
    }

    [Fact]
    public async Task Holes_and_zeros_take_no_room_in_a_copy()
    {
        using (var file = File.OpenHandle(store["centos_template.img"], FileMode.CreateNew, FileAccess.Write))
        {
            RandomAccess.SetLength(file, 1L << 30);
            RandomAccess.Write(file, [1], 0);
            RandomAccess.Write(file, new byte[1 << 20], 1 << 20);
            RandomAccess.Write(file, [2], (1L << 30) - 1);
        }

        var copy = store.Stat((await MakeAsync(1)).Single().File.Name);
        Assert.Equal(1L << 30, copy.Fingerprint.Size);
        Assert.InRange(copy.AllocatedBytes, 1, 1 << 18);
    }

    [Fact]
    public async Task Progress_goes_forward_to_the_end()
    {
        store.WriteTemplate(Length);
        var told = new List<CopyProgress>();
        await MakeAsync(2, told.Add);
        Assert.InRange(told.Count, 1 + (Length >> 22), int.MaxValue);
        Assert.Equal(told.OrderBy(progress => progress.Position).ThenBy(progress => progress.Written), told);
        Assert.Equal(Length, told[^1].Position);
        Assert.InRange(told[^1].Written, 1, 2 * (Length + 4096));
    }

    [Fact]
    public async Task At_a_gentle_pace_little_is_on_its_way_to_the_storage()
    {
        store.WriteTemplate(Length);
        var told = new List<CopyProgress>();
        await MakeAsync(2, told.Add, Pace.Gentle);
        Assert.All(told.Zip(told.Skip(1)), step => Assert.InRange(step.Second.Position - step.First.Position, 0, 1 << 18));
        Assert.All(told, progress => Assert.InRange(progress.Written, 2 * progress.Position, (2 * progress.Position) + 8192));
    }

    [Theory]
    [InlineData("written to")]
    [InlineData("replaced")]
    [InlineData("grown")]
    [InlineData("deleted")]
    public async Task A_template_that_changes_meanwhile_makes_no_copy(string change)
    {
        store.WriteTemplate(Length);
        var (refused, changed) = (default(RefusedException), false);
        refused = await Assert.ThrowsAsync<RefusedException>(() => MakeAsync(2, _ =>
        {
            if (!changed)
            {
                changed = true;
                Change(change);
            }
        }));
        Assert.Equal(change == "deleted" ? Refusal.ImageNotFound : Refusal.JobConflict, refused.Reason);
        Assert.Empty(store.Private);
    }

    [Fact]
    public async Task Who_cancels_leaves_nothing()
    {
        store.WriteTemplate(Length);
        using var cancellation = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => daemon.Engine.MakeAsync(Sample.Centos, 2, _ =>
        {
            cancellation.Cancel();
            return default;
        }, cancellation.Token));
        Assert.Empty(store.Private);
        await daemon.RecoverAsync();
        Assert.Equal("centos_template.img", store.Names);
    }

    [Fact]
    public async Task Who_cancels_at_any_moment_leaves_nothing_that_recovery_does_not_find()
    {
        store.WriteTemplate(Length);
        var random = new Random(3);
        for (var round = 0; round < 40; round++)
        {
            using var gone = new CancellationTokenSource();
            var making = daemon.Engine.MakeAsync(Sample.Centos, 3, _ => default, gone.Token);
            for (var spins = random.Next(60_000); spins > 0; spins--)
            {
                Thread.SpinWait(1);
            }

            await gone.CancelAsync();
            await making.ContinueWith(task => task.IsCompletedSuccessfully ? task.Result.ToList() : [], TaskScheduler.Default).ContinueWith(
                task => task.Result.ForEach(claim => claim.Dispose()), TaskScheduler.Default);
            await daemon.ThreadsAreFreeAsync();
            await daemon.RecoverAsync();
            Assert.Empty(store.Private);
        }
    }

    [Fact]
    public async Task A_copy_that_does_not_read_back_as_it_was_written_is_refused()
    {
        store.WriteTemplate(Length);
        var refused = await Assert.ThrowsAsync<RefusedException>(() => MakeAsync(2, _ =>
        {
            using var copy = File.OpenHandle(store.Private[0], FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            RandomAccess.Write(copy, [0, 0, 0, 0], 100);
        }));
        Assert.Equal(Refusal.StorageUnavailable, refused.Reason);
        Assert.Empty(store.Private);
    }

    [Theory]
    [InlineData(0, 10)]
    [InlineData(9_999, 0.001)]
    [InlineData(3_000, 7)]
    public async Task A_template_that_was_written_to_just_now_is_put_off_until_it_has_settled(int ageMs, double restSeconds)
    {
        store.WriteTemplate(1000);
        File.SetLastWriteTimeUtc(store["centos_template.img"], daemon.Clock.GetUtcNow().UtcDateTime.AddMilliseconds(-ageMs));
        var refused = await Assert.ThrowsAsync<RefusedException>(() => MakeAsync(1));
        Assert.Equal((Refusal.JobConflict, TimeSpan.FromSeconds(restSeconds)), (refused.Reason, refused.RetryAfter));
        Assert.Equal("the template centos may still be being written: its last write is less than 10 s old", refused.Message);
        Assert.Empty(store.Private);
        daemon.Clock.Advance(TimeSpan.FromSeconds(restSeconds));
        Assert.Single(await MakeAsync(1));
    }

    [Fact]
    public async Task A_template_with_a_time_to_come_settles_while_it_is_watched()
    {
        store.WriteTemplate(1000);
        var path = store["centos_template.img"];
        File.SetLastWriteTimeUtc(path, daemon.Clock.GetUtcNow().UtcDateTime.AddHours(1));
        Assert.Equal(TimeSpan.FromSeconds(10), (await Assert.ThrowsAsync<RefusedException>(() => MakeAsync(1))).RetryAfter);
        daemon.Clock.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal(TimeSpan.FromSeconds(4), (await Assert.ThrowsAsync<RefusedException>(() => MakeAsync(1))).RetryAfter);
        File.SetLastWriteTimeUtc(path, daemon.Clock.GetUtcNow().UtcDateTime.AddHours(1));
        Assert.Equal(TimeSpan.FromSeconds(10), (await Assert.ThrowsAsync<RefusedException>(() => MakeAsync(1))).RetryAfter);
        daemon.Clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Single(await MakeAsync(1));
    }

    [Fact]
    public async Task A_backing_file_must_have_settled_too()
    {
        await WriteChainAsync("centos", "debian12");
        File.SetLastWriteTimeUtc(store["debian12_template.img"], daemon.Clock.GetUtcNow().UtcDateTime.AddSeconds(-4));
        Assert.Equal(TimeSpan.FromSeconds(6), (await Assert.ThrowsAsync<RefusedException>(() => MakeAsync(1))).RetryAfter);
        Assert.Equal(Sample.Centos, (await daemon.Images.InspectTemplateAsync(Sample.Centos, CancellationToken.None)).Image);
    }

    [Fact]
    public async Task A_template_is_looked_through_once_for_each_of_its_states()
    {
        store.WriteTemplate(1000);
        inspector.Setup(port => port.CheckWhole(It.IsAny<IHeaderSource>())).Returns(() => new Checked(3, null));
        Assert.Single(await MakeAsync(1));
        Assert.Single(await MakeAsync(1));
        await daemon.Images.InspectTemplateAsync(Sample.Centos, CancellationToken.None);
        inspector.Verify(port => port.CheckWhole(It.IsAny<IHeaderSource>()), Times.Once);
        File.SetLastWriteTimeUtc(store["centos_template.img"], Store.Written.AddTicks(1));
        inspector.Setup(port => port.CheckWhole(It.IsAny<IHeaderSource>())).Returns(() => new Checked(1, "it is cut short"));
        var refused = await Assert.ThrowsAsync<RefusedException>(() => MakeAsync(1));
        Assert.Equal((Refusal.ImageRejected, "the template centos is not served: it is cut short"), (refused.Reason, refused.Message));
        Assert.Equal(Refusal.ImageRejected, (await Assert.ThrowsAsync<RefusedException>(
            () => daemon.Images.InspectTemplateAsync(Sample.Centos, CancellationToken.None))).Reason);
        inspector.Verify(port => port.CheckWhole(It.IsAny<IHeaderSource>()), Times.Exactly(2));
    }

    [Fact]
    public async Task A_raw_template_is_asked_about_once_as_well()
    {
        store.WriteTemplate(1000);
        Assert.Single(await MakeAsync(1));
        Assert.Single(await MakeAsync(1));
        inspector.Verify(port => port.CheckWhole(It.IsAny<IHeaderSource>()), Times.Once);
    }

    [Fact]
    public async Task What_changes_while_it_is_looked_through_is_neither_copied_nor_remembered()
    {
        store.WriteTemplate(1000);
        inspector.Setup(port => port.CheckWhole(It.IsAny<IHeaderSource>())).Returns(() =>
        {
            File.SetLastWriteTimeUtc(store["centos_template.img"], Store.Written.AddTicks(1));
            return new Checked(1, null);
        });
        Assert.Equal(Refusal.JobConflict, (await Assert.ThrowsAsync<RefusedException>(() => MakeAsync(1))).Reason);
        inspector.Setup(port => port.CheckWhole(It.IsAny<IHeaderSource>())).Returns(() => new Checked(1, "it is cut short"));
        Assert.Equal(Refusal.ImageRejected, (await Assert.ThrowsAsync<RefusedException>(() => MakeAsync(1))).Reason);
    }

    [Fact]
    public async Task The_copy_of_a_cut_qcow2_is_refused_with_what_it_lacks_and_that_of_its_child_too()
    {
        await UseRealInspectorAsync();
        await WriteChainAsync("centos", "debian12");
        var parent = store["debian12_template.img"];
        await RealQemuImg.WriteAsync(parent, "write -P 7 0 1M");
        var whole = new FileInfo(parent).Length;
        using (var file = File.OpenHandle(parent, FileMode.Open, FileAccess.ReadWrite))
        {
            RandomAccess.SetLength(file, whole - 4096);
        }

        File.SetLastWriteTimeUtc(parent, Store.Written);
        var refused = await Assert.ThrowsAsync<RefusedException>(() => MakeAsync(1));
        Assert.Equal(Refusal.ImageRejected, refused.Reason);
        Assert.Equal(
            "the template centos is not served: its backing file, the template debian12: the qcow2 image is cut short or still being copied: "
            + $"it needs {whole} bytes, has {whole - 4096}",
            refused.Message);
    }

    [Theory]
    [InlineData("hostile", "ImageRejected")]
    [InlineData("backed by a stranger", "ImageRejected")]
    [InlineData("backed by a template that is not there", "ImageRejected")]
    [InlineData("a symbolic link", "ImageRejected")]
    [InlineData("a directory", "ImageRejected")]
    [InlineData("a pipe", "ImageRejected")]
    [InlineData("absent", "ImageNotFound")]
    public async Task A_template_that_must_not_be_served_is_not_copied(string template, string reason)
    {
        store.WriteTemplate(1000);
        Spoil(template);
        var refused = await Assert.ThrowsAsync<RefusedException>(() => MakeAsync(1));
        Assert.Equal(reason, refused.Reason.ToString());
        Assert.DoesNotContain("/", refused.Message, StringComparison.Ordinal);
        Assert.Empty(store.Private);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(8)]
    public async Task A_template_that_is_backed_by_other_templates_is_copied(int length)
    {
        await UseRealInspectorAsync();
        await WriteChainAsync([.. Enumerable.Range(0, length).Select(number => number == 0 ? "centos" : $"t{number}")]);
        Assert.Single(await MakeAsync(1));
    }

    [Theory]
    [InlineData("nine of them", "its chain of backing files is longer than 8 templates")]
    [InlineData("on itself", "its chain of backing files leads back to centos")]
    [InlineData("two on each other", "its backing file, the template t1: its chain of backing files leads back to centos")]
    [InlineData("the last on the one before", "its backing file, the template t2: its chain of backing files leads back to t1")]
    [InlineData("on a stranger", "its backing file, the template t1: its backing file is not one of the templates")]
    [InlineData("on a link", "its backing file, the template t1: it is not a regular file")]
    [InlineData("on a pipe", "its backing file, the template t1: it is not a regular file")]
    [InlineData("on a directory", "its backing file, the template t1: it is not a regular file")]
    [InlineData("on what is not there", "its backing file, the template t1: it does not exist")]
    [InlineData("on another format", "its backing file, the template t1: the image is in the QED format; only qcow2 and raw are served")]
    public async Task A_template_is_not_copied_when_anything_that_it_is_backed_by_must_not_be_served(string chain, string fault)
    {
        await UseRealInspectorAsync();
        await SpoilChainAsync(chain);
        var refused = await Assert.ThrowsAsync<RefusedException>(() => MakeAsync(1));
        Assert.Equal((Refusal.ImageRejected, $"the template centos is not served: {fault}"), (refused.Reason, refused.Message));
        Assert.Equal(refused.Message, (await Assert.ThrowsAsync<RefusedException>(
            () => daemon.Images.InspectTemplateAsync(Sample.Centos, CancellationToken.None))).Message);
        Assert.Empty(store.Private);
    }

    private Task<IReadOnlyList<Claim>> MakeAsync(int copies, Action<CopyProgress>? progress = null, Pace pace = Pace.Full) =>
        Eventually.EndsAsync(daemon.Engine.MakeAsync(Sample.Centos, copies, told =>
        {
            progress?.Invoke(told);
            return ValueTask.FromResult(pace);
        }, CancellationToken.None));

    private void Inspected(string? backing, string? fault) =>
        inspector.Setup(port => port.Inspect(It.IsAny<IHeaderSource>())).Returns(new ImageHeader(ImageFormat.Qcow2, 1000, backing, fault));

    private async Task UseRealInspectorAsync()
    {
        await daemon.DisposeAsync();
        daemon = await Daemon.StartAsync(store);
    }

    /// <summary>Makes qcow2 templates, each backed by the next.</summary>
    private async Task WriteChainAsync(params string[] images)
    {
        await UseRealInspectorAsync();
        for (var number = images.Length - 1; number >= 0; number--)
        {
            await CreateAsync(images[number], number == images.Length - 1 ? null : images[number + 1]);
        }
    }

    private async Task CreateAsync(string image, string? backing)
    {
        string[] on = backing is null ? [] : ["-u", "-F", "qcow2", "-b", $"{backing}_template.img"];
        await RealQemuImg.RunAsync(["create", "-q", "-f", "qcow2", .. on, store[$"{image}_template.img"], "4M"]);
        File.SetLastWriteTimeUtc(store[$"{image}_template.img"], Store.Written);
    }

    private async Task SpoilChainAsync(string chain)
    {
        var parent = store["t1_template.img"];
        switch (chain)
        {
            case "nine of them": await WriteChainAsync(["centos", .. Enumerable.Range(1, 8).Select(number => $"t{number}")]); return;
            case "on itself": await CreateAsync("centos", "centos"); return;
            case "two on each other": await CreateAsync("centos", "t1"); await CreateAsync("t1", "centos"); return;
            case "the last on the one before": await WriteChainAsync("centos", "t1"); await CreateAsync("t1", "t2"); await CreateAsync("t2", "t1"); return;
        }

        await CreateAsync("centos", "t1");
        switch (chain)
        {
            case "on a stranger": await RealQemuImg.RunAsync("create", "-q", "-f", "qcow2", "-u", "-F", "raw", "-b", "/etc/passwd", parent, "4M"); break;
            case "on a link": store.Write("target", 1); File.CreateSymbolicLink(parent, store["target"]); break;
            case "on a pipe": NativeCalls.MakeFifo(parent); break;
            case "on a directory": Directory.CreateDirectory(parent); break;
            case "on another format": await RealQemuImg.RunAsync("create", "-q", "-f", "qed", parent, "4M"); break;
        }
    }

    /// <summary>A check that takes so many steps.</summary>
    private sealed class Checked(int steps, string? fault) : IWholeCheck
    {
        private int done;

        public string? Fault => fault;

        public bool Advance(Func<bool> stop) => ++done == steps;
    }

    private void Change(string change)
    {
        var template = store["centos_template.img"];
        switch (change)
        {
            case "written to": File.SetLastWriteTimeUtc(template, Store.Written.AddTicks(1)); break;
            case "grown": File.AppendAllText(template, "x"); File.SetLastWriteTimeUtc(template, Store.Written); break;
            case "deleted": File.Delete(template); break;
            default: File.Copy(template, template + ".new"); File.SetLastWriteTimeUtc(template + ".new", Store.Written); File.Move(template + ".new", template, true); break;
        }
    }

    private void Spoil(string template)
    {
        var path = store["centos_template.img"];
        switch (template)
        {
            case "hostile": Inspected(null, "an external data file"); return;
            case "backed by a stranger": Inspected("/etc/passwd", null); return;
            case "backed by a template that is not there": Inspected("debian12_template.img", null); return;
        }

        File.Delete(path);
        switch (template)
        {
            case "a symbolic link": store.Write("target", 1); File.CreateSymbolicLink(path, store["target"]); break;
            case "a directory": Directory.CreateDirectory(path); break;
            case "a pipe": NativeCalls.MakeFifo(path); break;
        }
    }
}
