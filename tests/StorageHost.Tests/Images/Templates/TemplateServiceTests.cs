using Moq;
using StorageHost.Images;
using StorageHost.Images.Jobs;
using StorageHost.Images.Names;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;
using StorageHost.Tests.Support;
using Xunit;
using static StorageHost.Tests.Images.Sample;

namespace StorageHost.Tests.Images.Templates;

public sealed class TemplateServiceTests : IAsyncLifetime
{
    private const long Mb = 1 << 20;

    private readonly Core core = new();
    private readonly TaskCompletionSource goOn = new();
    private int imports;

    public TemplateServiceTests()
    {
        core.Space = new VolumeSpace(10_000 * Mb, 1_000 * Mb);
        goOn.SetResult();
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await core.DisposeAsync();

    [Fact]
    public async Task What_came_is_told_and_its_job_is_done()
    {
        Importing(300 * Mb);
        var made = await ImportAsync(300 * Mb);
        Assert.Equal((Debian, false, 0), (made.Details.Template.Image, made.IsProtected, made.LinkedClones));
        core.Index.Verify(index => index.Add(made.Details), Times.Once);
        var job = core.Jobs.All.Single().Snapshot();
        Assert.Equal(
            (JobKind.Import, Debian, JobState.Succeeded, 1, 300 * Mb, 300 * Mb), (job.Kind, job.Image, job.State, job.CopiesDone, job.BytesDone, job.BytesTotal));
        Assert.Equal(0, core.Promised.Bytes);
    }

    [Fact]
    public async Task An_import_of_unknown_length_counts_what_has_come()
    {
        Importing(3 * Mb);
        await ImportAsync(null);
        var job = core.Jobs.All.Single().Snapshot();
        Assert.Equal((3 * Mb, 3 * Mb), (job.BytesDone, job.BytesTotal));
    }

    [Fact]
    public async Task A_template_that_is_there_is_not_replaced_and_nothing_is_read()
    {
        Importing(Mb);
        var refused = await Assert.ThrowsAsync<RefusedException>(() => core.TemplateService.ImportAsync(new NewTemplate(Centos, "upload", Mb, null), Stream.Null, CancellationToken.None));
        Assert.Equal((Refusal.ImageExists, 0), (refused.Reason, imports));
    }

    [Theory]
    [InlineData(500, true)]
    [InlineData(501, false)]
    public async Task A_known_size_must_fit_above_the_reserve_before_anything_is_read(long megabytes, bool fits)
    {
        Importing(megabytes * Mb);
        if (fits)
        {
            await ImportAsync(megabytes * Mb);
            return;
        }

        var refused = await Assert.ThrowsAsync<RefusedException>(() => ImportAsync(megabytes * Mb));
        Assert.Equal((Refusal.NoSpace, 0, 0L), (refused.Reason, imports, core.Promised.Bytes));
        Assert.Equal(
            "the template debian12 would take the volume below its reserve of 5 %: it needs 501 MB more, 1000 MB are free, 500 MB are the reserve",
            refused.Message);
    }

    [Fact]
    public async Task Room_that_is_promised_to_others_is_not_there()
    {
        using var others = core.Promised.Begin(100 * Mb);
        Importing(401 * Mb);
        Assert.Equal(Refusal.NoSpace, (await Assert.ThrowsAsync<RefusedException>(() => ImportAsync(401 * Mb))).Reason);
        await ImportAsync(400 * Mb);
        Assert.Equal(100 * Mb, core.Promised.Bytes);
    }

    [Fact]
    public async Task What_is_still_to_come_is_promised_and_no_copy_is_begun_in_its_room()
    {
        var promised = new List<long>();
        Importing(300 * Mb, _ => promised.Add(core.Promised.Bytes));
        await ImportAsync(300 * Mb);
        Assert.Equal([.. Enumerable.Range(1, 30).Select(tens => (300 - (tens * 10)) * Mb)], promised);
    }

    [Fact]
    public async Task An_import_of_unknown_length_ends_where_the_room_does()
    {
        var received = 0L;
        Importing(2_000 * Mb, at =>
        {
            received = at;
            core.Space = core.Space with { FreeBytes = (1_000 * Mb) - at };
        });
        Assert.Equal(Refusal.NoSpace, (await Assert.ThrowsAsync<RefusedException>(() => ImportAsync(null))).Reason);
        Assert.InRange(received, 400 * Mb, 500 * Mb);
        Assert.Equal((JobState.Failed, 0L), (core.Jobs.All.Single().Snapshot().State, core.Promised.Bytes));
    }

    [Fact]
    public async Task Nothing_grows_beyond_the_limit()
    {
        core.Import.MaxBytes = 100 * Mb;
        Importing(200 * Mb);
        Assert.Equal(Refusal.TooLarge, (await Assert.ThrowsAsync<RefusedException>(() => ImportAsync(101 * Mb))).Reason);
        Assert.Equal(0, imports);
        Assert.Equal(Refusal.TooLarge, (await Assert.ThrowsAsync<RefusedException>(() => ImportAsync(null))).Reason);
    }

    [Fact]
    public async Task What_is_unwrapped_grows_to_the_limit_and_its_room_comes_back()
    {
        core.Import.MaxBytes = 100 * Mb;
        var made = 0L;
        Importing(200 * Mb, made: written => new ImportProgress(Mb, made = written));
        var refused = await Assert.ThrowsAsync<RefusedException>(() => ImportAsync(Mb));
        Assert.Equal((Refusal.NoSpace, "what was sent for debian12 becomes larger than 104857600 bytes (Import:MaxBytes)"), (refused.Reason, refused.Message));
        Assert.Equal((110 * Mb, 0L), (made, core.Promised.Bytes));
    }

    [Fact]
    public async Task What_is_unwrapped_ends_where_the_room_does_however_little_was_sent()
    {
        var made = 0L;
        Importing(
            2_000 * Mb, written => core.Space = core.Space with { FreeBytes = (1_000 * Mb) - written }, made: written => new ImportProgress(Mb, made = written));
        Assert.Equal(Refusal.NoSpace, (await Assert.ThrowsAsync<RefusedException>(() => ImportAsync(Mb))).Reason);
        Assert.InRange(made, 400 * Mb, 500 * Mb);
        Assert.Equal(0, core.Promised.Bytes);
    }

    [Fact]
    public async Task Of_a_file_that_is_made_anew_the_room_is_looked_at_anew()
    {
        var looks = 0;
        core.Volume.Setup(volume => volume.ReadSpaceAsync(It.IsAny<CancellationToken>())).Callback(() => looks++).ReturnsAsync(() => core.Space);
        Importing(40 * Mb, made: written => new ImportProgress(40 * Mb, written == 30 * Mb ? 0 : written));
        await ImportAsync(40 * Mb);
        Assert.Equal(3, looks);
    }

    [Fact]
    public async Task Only_so_many_come_in_at_once()
    {
        core.Import.MaxAtOnce = 1;
        var hold = new TaskCompletionSource();
        Importing(Mb, until: hold.Task);
        var first = ImportAsync(Mb);
        Assert.Equal(Refusal.TooManyRequests, (await Assert.ThrowsAsync<RefusedException>(() => ImportAsync(Mb))).Reason);
        hold.SetResult();
        await Eventually.EndsAsync(first);
        await ImportAsync(Mb);
    }

    [Fact]
    public async Task Its_job_can_be_cancelled()
    {
        Importing(Mb, until: Task.Delay(Timeout.Infinite));
        var import = ImportAsync(Mb);
        var cancelled = await Eventually.EndsAsync(core.Service.CancelJobAsync(core.Jobs.All.Single().Id, CancellationToken.None));
        Assert.Equal(JobState.Cancelled, cancelled.State);
        Assert.Equal(Refusal.JobConflict, (await Assert.ThrowsAsync<RefusedException>(() => import)).Reason);
    }

    [Fact]
    public async Task A_daemon_that_stops_ends_what_comes_in()
    {
        Importing(Mb, until: Task.Delay(Timeout.Infinite));
        var import = ImportAsync(Mb);
        core.Lifetime.StopApplication();
        Assert.Equal(Refusal.ShuttingDown, (await Assert.ThrowsAsync<RefusedException>(() => Eventually.EndsAsync(import))).Reason);
    }

    [Fact]
    public async Task A_sender_who_breaks_off_fails_its_job_and_gives_the_room_back()
    {
        core.Importer.Setup(port => port.ImportAsync(It.IsAny<NewTemplate>(), It.IsAny<Stream>(), It.IsAny<Func<ImportProgress, ValueTask>>(), It.IsAny<Func<Task>>(), It.IsAny<CancellationToken>()))
            .ThrowsAsync(new IOException("broken off"));
        await Assert.ThrowsAsync<IOException>(() => ImportAsync(Mb));
        var job = core.Jobs.All.Single().Snapshot();
        Assert.Equal((JobState.Failed, "the sender broke off", 0L), (job.State, job.Error, core.Promised.Bytes));
    }

    [Fact]
    public void A_template_is_told_with_its_pool_and_whether_it_is_protected()
    {
        core.Index.Setup(index => index.List()).Returns([Indexed(Centos, 2), Indexed(Debian, 0)]);
        core.Pools.Get(Centos).SetWanted(3);
        core.Guarded.TakeUp(new HashSet<ImageName> { Debian });
        Assert.Equal(
            [(Centos, 2, 3, false), (Debian, 0, 0, true)],
            core.TemplateService.List().Select(each => (each.Details.Template.Image, each.LinkedClones, each.Wanted, each.IsProtected)));
    }

    [Fact]
    public async Task A_template_is_protected_on_the_volume_and_told_so_at_once()
    {
        var written = new List<bool>();
        core.Volume.Setup(volume => volume.SetProtectedAsync(Centos, It.IsAny<bool>(), It.IsAny<CancellationToken>()))
            .Callback((ImageName _, bool isProtected, CancellationToken _) => written.Add(isProtected)).Returns(Task.CompletedTask);
        core.Index.Setup(index => index.FindAsync(Centos, It.IsAny<CancellationToken>())).ReturnsAsync(Indexed(Centos, 0));
        Assert.True((await core.TemplateService.ProtectAsync(Centos, true, CancellationToken.None)).IsProtected);
        Assert.False((await core.TemplateService.ProtectAsync(Centos, false, CancellationToken.None)).IsProtected);
        Assert.Equal([true, false], written);
        Assert.Equal(
            Refusal.ImageNotFound, (await Assert.ThrowsAsync<RefusedException>(() => core.TemplateService.ProtectAsync(Debian, true, CancellationToken.None))).Reason);
    }

    [Fact]
    public async Task What_another_node_protects_is_seen_by_the_next_scan()
    {
        core.Volume.Setup(volume => volume.ScanAsync(It.IsAny<CancellationToken>())).ReturnsAsync(() => new VolumeScan(
            [Template()], [], new Dictionary<ImageName, int>(), new Dictionary<ImageName, int>(),
            new HashSet<ImageName>(), core.Space)
        {
            Protected = new HashSet<ImageName> { Centos },
        });
        await core.Scanner.ScanAsync(CancellationToken.None);
        Assert.True(core.Guarded.Contains(Centos));
    }

    [Fact]
    public async Task A_template_that_was_deleted_is_not_in_the_index_any_more()
    {
        core.Remover.Setup(remover => remover.CheckImageAsync(Centos, It.IsAny<CancellationToken>())).Returns(Task.CompletedTask);
        core.Remover.Setup(remover => remover.RemoveImageAsync(Centos, It.IsAny<CancellationToken>())).ReturnsAsync(new RemovedImage(Centos, []));
        await core.Service.DeleteImageAsync(Centos, CancellationToken.None);
        core.Index.Verify(index => index.Remove(Centos), Times.Once);
    }

    [Theory]
    [InlineData(nameof(Refusal.ImageProtected))]
    [InlineData(nameof(Refusal.ImageInUse))]
    public async Task A_template_that_must_stay_is_not_replaced_and_nothing_is_read(string reason)
    {
        Importing(Mb);
        core.Remover.Setup(remover => remover.CheckImageAsync(Centos, It.IsAny<CancellationToken>())).ThrowsAsync(new RefusedException(Enum.Parse<Refusal>(reason), "it stays"));
        Assert.Equal(reason, (await Assert.ThrowsAsync<RefusedException>(ReplaceAsync)).Reason.ToString());
        Assert.Equal(reason, (await Assert.ThrowsAsync<RefusedException>(() => core.TemplateService.RollbackAsync(Centos, CancellationToken.None))).Reason.ToString());
        Assert.Equal(0, imports);
    }

    [Fact]
    public async Task A_template_that_is_protected_while_its_successor_comes_is_not_replaced()
    {
        Importing(Mb);
        core.Remover.SetupSequence(remover => remover.CheckImageAsync(Centos, It.IsAny<CancellationToken>()))
            .Returns(Task.CompletedTask).ThrowsAsync(new RefusedException(Refusal.ImageProtected, "it stays"));
        Assert.Equal(Refusal.ImageProtected, (await Assert.ThrowsAsync<RefusedException>(ReplaceAsync)).Reason);
        Assert.Equal(1, imports);
    }

    [Fact]
    public async Task What_is_to_be_replaced_need_not_be_there()
    {
        Importing(Mb);
        core.Remover.Setup(remover => remover.CheckImageAsync(Centos, It.IsAny<CancellationToken>())).ThrowsAsync(new RefusedException(Refusal.ImageNotFound, "none"));
        Assert.Equal(Centos, (await ReplaceAsync()).Details.Template.Image);
    }

    [Fact]
    public void Versions_are_told_with_their_template_but_not_the_template_itself()
    {
        core.Index.Setup(index => index.List()).Returns([Indexed(Centos, 0), Indexed(Debian, 0)]);
        core.Versions.TakeUp([new(Centos, 1, New, null), new(Centos, 3, Old, null), new(Centos, 2, New, null), new(Debian, 9, New, null)]);
        Assert.Equal([2, 1, 9], core.TemplateService.List().SelectMany(each => each.Versions).Select(version => version.Number));
    }

    private Task<TemplateStatus> ReplaceAsync() =>
        core.TemplateService.ImportAsync(new NewTemplate(Centos, "upload", Mb, null, Replace: true), Stream.Null, CancellationToken.None);

    private static IndexedTemplate Indexed(ImageName image, int clones) =>
        new(new TemplateDetails(Template(image), new ImageHeader(ImageFormat.Raw, 1000, null, null), null), clones);

    private Task<TemplateStatus> ImportAsync(long? length) =>
        core.TemplateService.ImportAsync(new NewTemplate(Debian, "upload", length, null), Stream.Null, CancellationToken.None);

    /// <summary>An importer to whom that much comes, in steps of 10 MB.</summary>
    private void Importing(long bytes, Action<long>? at = null, Task? until = null, Func<long, ImportProgress>? made = null) => core.Importer
        .Setup(port => port.ImportAsync(It.IsAny<NewTemplate>(), It.IsAny<Stream>(), It.IsAny<Func<ImportProgress, ValueTask>>(), It.IsAny<Func<Task>>(), It.IsAny<CancellationToken>()))
        .Returns(async (NewTemplate wanted, Stream _, Func<ImportProgress, ValueTask> progress, Func<Task> confirm, CancellationToken cancellationToken) =>
        {
            imports++;
            for (var received = Math.Min(bytes, 10 * Mb); ; received = Math.Min(bytes, received + (10 * Mb)))
            {
                await progress(made?.Invoke(received) ?? new ImportProgress(received));
                at?.Invoke(received);
                if (received == bytes)
                {
                    break;
                }
            }

            await (until ?? goOn.Task).WaitAsync(cancellationToken);
            await confirm();
            return new TemplateDetails(Template(wanted.Image), new ImageHeader(ImageFormat.Raw, bytes, null, null), new TemplateRecord("upload", core.Time.GetUtcNow(), "00"));
        });
}
