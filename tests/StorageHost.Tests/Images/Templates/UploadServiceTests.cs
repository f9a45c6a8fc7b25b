using Microsoft.Extensions.Options;
using Moq;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Jobs;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;
using StorageHost.Tests.Support;
using Xunit;
using static StorageHost.Tests.Images.Sample;

namespace StorageHost.Tests.Images.Templates;

public sealed class UploadServiceTests : IAsyncLifetime
{
    private const long Mb = 1 << 20;

    private readonly Core core = new();
    private readonly Dictionary<UploadId, UploadStatus> stored = [];
    private bool inParts;

    public UploadServiceTests()
    {
        core.Space = new VolumeSpace(10_000 * Mb, 1_000 * Mb);
        core.Uploads.Setup(store => store.CreateAsync(It.IsAny<Upload>(), It.IsAny<CancellationToken>()))
            .ReturnsAsync((Upload upload, CancellationToken _) => stored[upload.Id] = new UploadStatus(upload, 0, upload.Created));
        core.Uploads.Setup(store => store.ListAsync(It.IsAny<CancellationToken>())).ReturnsAsync(() => [.. stored.Values]);
        core.Uploads.Setup(store => store.FindAsync(It.IsAny<UploadId>(), It.IsAny<CancellationToken>()))
            .Returns(async (UploadId id, CancellationToken _) =>
            {
                await Task.CompletedTask;
                return stored.TryGetValue(id, out var status) ? status : throw new RefusedException(Refusal.UploadNotFound, "none");
            });
        core.Uploads.Setup(store => store.OpenAsync(It.IsAny<UploadId>(), It.IsAny<CancellationToken>()))
            .ReturnsAsync((UploadId id, CancellationToken _) => Open(id));
        core.Uploads.Setup(store => store.RemoveAsync(It.IsAny<UploadId>(), It.IsAny<CancellationToken>()))
            .ReturnsAsync((UploadId id, CancellationToken _) => stored.Remove(id));
        core.Uploads.Setup(store => store.ForgetAsync(It.IsAny<UploadId>(), It.IsAny<CancellationToken>()))
            .ReturnsAsync((UploadId id, CancellationToken _) => stored.Remove(id));
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await core.DisposeAsync();

    [Fact]
    public async Task The_last_piece_makes_the_template_and_ends_the_job()
    {
        var upload = await BeginAsync(300 * Mb);
        Assert.Equal(300 * Mb, core.Promised.Bytes);
        var (half, none) = await AppendAsync(upload, 0, 100 * Mb);
        Assert.Equal((100 * Mb, null, 200 * Mb), (half.Offset, none, core.Promised.Bytes));
        Assert.Equal((JobState.Running, 100 * Mb, 300 * Mb), StateOfJob());
        var (_, made) = await AppendAsync(upload, 100 * Mb, 200 * Mb);
        Assert.Equal((Debian, 0), (made!.Details.Template.Image, core.Promised.Bytes));
        Assert.Equal((JobState.Succeeded, 300 * Mb, 300 * Mb), StateOfJob());
        core.Index.Verify(index => index.Add(made.Details), Times.Once);
    }

    [Theory]
    [InlineData(0, 10, "the upload goes on at byte 104857600, not at 0")]
    [InlineData(100 * Mb, 201 * Mb, "the piece is 210763776 bytes long, but only 209715200 are missing")]
    public async Task A_piece_that_does_not_fit_is_told_where_it_would(long offset, long length, string message)
    {
        var upload = await BeginAsync(300 * Mb);
        await AppendAsync(upload, 0, 100 * Mb);
        var refused = await Assert.ThrowsAsync<RefusedException>(() => AppendAsync(upload, offset, length));
        Assert.Equal((Refusal.UploadConflict, message, 100 * Mb), (refused.Reason, refused.Message, refused.UploadOffset));
        await AppendAsync(upload, 100 * Mb, 200 * Mb);
    }

    [Fact]
    public async Task What_cannot_become_a_template_is_not_begun()
    {
        Assert.Equal(Refusal.NoSpace, (await Assert.ThrowsAsync<RefusedException>(() => BeginAsync(501 * Mb))).Reason);
        Assert.Equal(Refusal.TooLarge, (await Assert.ThrowsAsync<RefusedException>(() => BeginAsync(core.Import.MaxBytes + 1))).Reason);
        core.Templates[Debian] = Template(Debian);
        Assert.Equal(Refusal.ImageExists, (await Assert.ThrowsAsync<RefusedException>(() => BeginAsync(1))).Reason);
        Assert.Equal((0, 0L), (stored.Count, core.Promised.Bytes));
    }

    [Fact]
    public async Task Uploads_reserve_what_they_will_need()
    {
        await BeginAsync(300 * Mb);
        Assert.Equal(Refusal.NoSpace, (await Assert.ThrowsAsync<RefusedException>(() => BeginAsync(201 * Mb))).Reason);
        await BeginAsync(200 * Mb);
    }

    [Fact]
    public async Task An_upload_in_parts_needs_its_room_once_more_and_stays_when_there_is_none()
    {
        inParts = true;
        var upload = await BeginAsync(300 * Mb);
        await AppendAsync(upload, 0, 200 * Mb);
        core.Space = new VolumeSpace(10_000 * Mb, 700 * Mb);
        Assert.Equal(Refusal.NoSpace, (await Assert.ThrowsAsync<RefusedException>(() => AppendAsync(upload, 200 * Mb, 100 * Mb))).Reason);
        Assert.Equal((1, 0L), (stored.Count, core.Promised.Bytes));
        core.Space = new VolumeSpace(10_000 * Mb, 800 * Mb);
        Assert.NotNull((await AppendAsync(upload, 300 * Mb, 0)).Template);
        Assert.Equal(0, core.Promised.Bytes);
    }

    [Fact]
    public async Task There_are_not_more_uploads_than_a_hundred()
    {
        for (var number = 0; number < 100; number++)
        {
            await BeginAsync(1);
        }

        Assert.Equal(Refusal.TooManyRequests, (await Assert.ThrowsAsync<RefusedException>(() => BeginAsync(1))).Reason);
    }

    [Fact]
    public async Task A_newer_piece_ends_an_older_one_that_hangs()
    {
        var upload = await BeginAsync(300 * Mb);
        var older = core.UploadService.AppendAsync(upload.Id, 0, null, new Piece(10 * Mb, hangs: true), CancellationToken.None);
        Assert.False(older.IsCompleted);
        var (status, _) = await Eventually.EndsAsync(AppendAsync(upload, 0, 100 * Mb));
        Assert.Equal(100 * Mb, status.Offset);
        Assert.Equal(Refusal.UploadConflict, (await Assert.ThrowsAsync<RefusedException>(() => older)).Reason);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Who_cancels_the_job_cancels_the_upload(bool hangs)
    {
        var upload = await BeginAsync(300 * Mb);
        await AppendAsync(upload, 0, 100 * Mb);
        var piece = hangs ? core.UploadService.AppendAsync(upload.Id, 100 * Mb, null, new Piece(10 * Mb, hangs: true), CancellationToken.None) : null;
        var job = await Eventually.EndsAsync(core.Service.CancelJobAsync(core.Jobs.All.Single().Id, CancellationToken.None));
        Assert.Equal((JobState.Cancelled, 0, 0L), (job.State, stored.Count, core.Promised.Bytes));
        if (piece is not null)
        {
            Assert.Equal(Refusal.JobConflict, (await Assert.ThrowsAsync<RefusedException>(() => piece)).Reason);
        }
    }

    [Fact]
    public async Task Who_cancels_the_upload_ends_its_job()
    {
        var upload = await BeginAsync(300 * Mb);
        await AppendAsync(upload, 0, 100 * Mb);
        Assert.Equal(100 * Mb, (await core.UploadService.CancelAsync(upload.Id, CancellationToken.None)).Offset);
        Assert.Equal((JobState.Cancelled, 0, 0L), (StateOfJob().State, stored.Count, core.Promised.Bytes));
        Assert.Equal(Refusal.UploadNotFound, (await Assert.ThrowsAsync<RefusedException>(() => core.UploadService.CancelAsync(upload.Id, CancellationToken.None))).Reason);
    }

    [Fact]
    public async Task A_refused_piece_shows_in_the_job_and_the_upload_stays()
    {
        var upload = await BeginAsync(300 * Mb);
        core.Space = new VolumeSpace(10_000 * Mb, 500 * Mb);
        Assert.Equal(Refusal.NoSpace, (await Assert.ThrowsAsync<RefusedException>(() => AppendAsync(upload, 0, Mb))).Reason);
        Assert.Contains("below its reserve", core.Jobs.All.Single().Snapshot().Error, StringComparison.Ordinal);
        Assert.Equal((1, 300 * Mb), (stored.Count, core.Promised.Bytes));
    }

    [Fact]
    public async Task What_other_daemons_do_with_uploads_is_taken_up()
    {
        var upload = await BeginAsync(300 * Mb);
        await AppendAsync(upload, 0, 100 * Mb);
        var theirs = new Upload(UploadId.New(), Debian, 50 * Mb, null, null, false, ManualTimeProvider.Start);
        stored[theirs.Id] = new UploadStatus(theirs, 20 * Mb, ManualTimeProvider.Start);
        stored[upload.Id] = stored[upload.Id] with { Offset = 250 * Mb };
        await LookAsync();
        Assert.Equal((80 * Mb, 250 * Mb), (core.Promised.Bytes, StateOfJob().Done));
        stored.Clear();
        await LookAsync();
        Assert.Equal((0L, JobState.Failed), (core.Promised.Bytes, StateOfJob().State));
    }

    [Fact]
    public async Task What_nobody_continues_goes_after_its_time_and_not_when_a_clock_jumps()
    {
        var policy = new StorageOptions { RescanInterval = TimeSpan.FromSeconds(5) };
        core.Import.UploadLifetime = TimeSpan.FromHours(1);
        var upload = await BeginAsync(300 * Mb);
        using var keeper = new UploadKeeper(core.UploadService, policy, Options.Create(core.Import), core.Time);
        await keeper.StartAsync(CancellationToken.None);
        core.Time.Set(TimeSpan.FromHours(3));
        await Eventually.HoldsAsync(() => Looks() > 5, core.Time, TimeSpan.FromSeconds(5));
        Assert.Single(stored);
        await Eventually.HoldsAsync(() => stored.Count == 0, core.Time, TimeSpan.FromMinutes(1));
        Assert.Equal(0, core.Promised.Bytes);
        await keeper.StopAsync(CancellationToken.None);
        Assert.Equal(Refusal.UploadNotFound, (await Assert.ThrowsAsync<RefusedException>(() => core.UploadService.GetAsync(upload.Id, CancellationToken.None))).Reason);

        int Looks() => core.Uploads.Invocations.Count(call => call.Method.Name == nameof(IUploadStore.ListAsync));
    }

    private (JobState State, long Done, long Total) StateOfJob() => core.Jobs.All.Single().Snapshot() is var job ? (job.State, job.BytesDone, job.BytesTotal) : default;

    private Task LookAsync() => core.UploadService.LookAsync(_ => false, CancellationToken.None);

    private async Task<Upload> BeginAsync(long length) =>
        (await core.UploadService.BeginAsync(new Upload(UploadId.New(), Debian, length, null, null, false, ManualTimeProvider.Start), CancellationToken.None)).Upload;

    private Task<(UploadStatus Upload, TemplateStatus? Template)> AppendAsync(Upload upload, long offset, long length) =>
        core.UploadService.AppendAsync(upload.Id, offset, length, new Piece(length), CancellationToken.None);

    private IOpenUpload Open(UploadId id)
    {
        var open = new Mock<IOpenUpload>(MockBehavior.Strict);
        open.Setup(upload => upload.Status).Returns(() => stored[id]);
        open.Setup(upload => upload.IsInParts).Returns(inParts);
        open.Setup(upload => upload.Overtaken).Returns(CancellationToken.None);
        open.Setup(upload => upload.DisposeAsync()).Returns(default(ValueTask));
        open.Setup(upload => upload.AppendAsync(It.IsAny<Stream>(), It.IsAny<Func<long, ValueTask>>(), It.IsAny<CancellationToken>(), It.IsAny<CancellationToken>()))
            .Returns(async (Stream content, Func<long, ValueTask> progress, CancellationToken _, CancellationToken ended) =>
            {
                await progress(stored[id].Offset + content.Length);
                if (content is Piece { Hangs: true })
                {
                    await Task.Delay(Timeout.Infinite, ended);
                }

                stored[id] = stored[id] with { Offset = stored[id].Offset + content.Length };
            });
        open.Setup(upload => upload.PublishAsync(It.IsAny<Func<ImportProgress, ValueTask>>(), It.IsAny<Func<Task>>(), It.IsAny<CancellationToken>()))
            .Returns(async (Func<ImportProgress, ValueTask> making, Func<Task> confirm, CancellationToken _) =>
            {
                await confirm();
                return new TemplateDetails(Template(Debian), new ImageHeader(ImageFormat.Raw, 2048, null, null), new TemplateRecord("upload", ManualTimeProvider.Start, "ab12"));
            });
        return open.Object;
    }

    /// <summary>A piece of that length.</summary>
    private sealed class Piece(long length, bool hangs = false) : MemoryStream
    {
        public bool Hangs => hangs;

        public override long Length => length;
    }
}
