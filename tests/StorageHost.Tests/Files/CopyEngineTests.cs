using Moq;
using StorageHost.Files;
using StorageHost.Images;
using StorageHost.Tests.Images;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Files;

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
        Assert.All(claims, claim => Assert.Equal((Sample.Centos, template.Fingerprint), (claim.Image, claim.Of)));
    }

    [Fact]
    [System.Runtime.Versioning.SupportedOSPlatform("linux")]
    public async Task A_copy_remembers_its_template_and_has_the_mode_of_a_disk()
    {
        store.WriteTemplate(1000);
        var claim = (await MakeAsync(1)).Single();
        using var file = File.OpenHandle(store[claim.File.Name]);
        Assert.Equal(claim.Of, CopyRecord.Read(file, "copy"));
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

    [Fact]
    public async Task A_template_that_was_written_to_just_now_is_left_to_settle()
    {
        store.WriteTemplate(1000);
        File.SetLastWriteTimeUtc(store["centos_template.img"], daemon.Clock.GetUtcNow().UtcDateTime.AddMilliseconds(-400));
        var making = MakeAsync(1);
        await Eventually.HoldsAsync(() => daemon.Clock.Timers == 1);
        daemon.Clock.Advance(TimeSpan.FromMilliseconds(599));
        Assert.False(making.IsCompleted);
        Assert.Empty(store.Private);
        daemon.Clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Single(await Eventually.EndsAsync(making));
    }

    /// <summary>Timers count in whole milliseconds.</summary>
    [Fact]
    public async Task A_template_has_settled_when_it_did_not_change_while_it_was_waited_for()
    {
        store.WriteTemplate(1000);
        File.SetLastWriteTimeUtc(store["centos_template.img"], daemon.Clock.GetUtcNow().UtcDateTime.AddMilliseconds(-400.5));
        var making = MakeAsync(1);
        await Eventually.HoldsAsync(() => daemon.Clock.Timers == 1);
        daemon.Clock.Advance(TimeSpan.FromMilliseconds(599));
        Assert.Single(await Eventually.EndsAsync(making));
    }

    [Fact]
    public async Task A_template_that_is_still_being_written_holds_nobody_up()
    {
        store.WriteTemplate(1000);
        var began = daemon.Clock.GetUtcNow().UtcDateTime;
        File.SetLastWriteTimeUtc(store["centos_template.img"], began);
        var making = MakeAsync(1);
        await Eventually.HoldsAsync(() => daemon.Clock.Timers == 1);
        File.SetLastWriteTimeUtc(store["centos_template.img"], began.AddMilliseconds(900));
        daemon.Clock.Advance(TimeSpan.FromSeconds(1));
        var refused = await Assert.ThrowsAsync<RefusedException>(() => Eventually.EndsAsync(making));
        Assert.Equal((Refusal.JobConflict, "the template centos is still being written"), (refused.Reason, refused.Message));
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

    [Fact]
    public async Task A_template_that_is_backed_by_another_template_is_copied()
    {
        store.WriteTemplate(1000);
        store.WriteTemplate([1], Sample.Debian);
        Inspected("debian12_template.img", null);
        Assert.Single(await MakeAsync(1));
    }

    private Task<IReadOnlyList<Claim>> MakeAsync(int copies, Action<CopyProgress>? progress = null, Pace pace = Pace.Full) =>
        Eventually.EndsAsync(daemon.Engine.MakeAsync(Sample.Centos, copies, told =>
        {
            progress?.Invoke(told);
            return ValueTask.FromResult(pace);
        }, CancellationToken.None));

    private void Inspected(string? backing, string? fault) =>
        inspector.Setup(port => port.Inspect(It.IsAny<IHeaderSource>())).Returns(new ImageHeader(ImageFormat.Qcow2, 1000, backing, fault));

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
