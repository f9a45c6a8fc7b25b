using Moq;
using StorageHost.Images;
using StorageHost.Images.Jobs;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;
using StorageHost.Tests.Fetching;
using StorageHost.Tests.Support;
using Xunit;
using static StorageHost.Tests.Images.Sample;

namespace StorageHost.Tests.Images.Templates;

public sealed class UrlImportsTests : IAsyncLifetime
{
    private const long Mb = 1 << 20;

    private static readonly SourceUrl Url = ScriptedServer.Url("https://images.example.org/debian12.img");

    private readonly Core core = new();
    private readonly TaskCompletionSource goOn = new();
    private readonly List<NewTemplate> imports = [];
    private int opened;
    private int restarts;
    private UrlContent content = new(Stream.Null, 300 * Mb, true);

    public UrlImportsTests()
    {
        core.Space = new VolumeSpace(10_000 * Mb, 1_000 * Mb);
        core.Urls.Setup(source => source.OpenAsync(Url, It.IsAny<Action<string?>>(), It.IsAny<CancellationToken>())).ReturnsAsync(() =>
        {
            opened++;
            return content;
        });
        core.Importer.Setup(port => port.ImportAsync(It.IsAny<NewTemplate>(), It.IsAny<Stream>(), It.IsAny<Func<ImportProgress, ValueTask>>(), It.IsAny<Func<Task>>(), It.IsAny<CancellationToken>()))
            .Returns(async (NewTemplate asked, Stream _, Func<ImportProgress, ValueTask> progress, Func<Task> confirm, CancellationToken cancellationToken) =>
            {
                imports.Add(asked);
                await progress(new(Mb));
                await goOn.Task.WaitAsync(cancellationToken);
                if (restarts-- > 0)
                {
                    throw new RestartException("it has changed");
                }

                await progress(new(asked.Length ?? 2 * Mb));
                await confirm();
                return new TemplateDetails(Template(asked.Image), new ImageHeader(ImageFormat.Raw, 2048, null, null), new TemplateRecord(asked.Source, ManualTimeProvider.Start, "ab12"));
            });
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await core.DisposeAsync();

    [Fact]
    public async Task A_job_fetches_it_while_its_room_is_promised()
    {
        var begun = await StartAsync();
        Assert.Equal((JobKind.Import, Debian), (begun.Kind, begun.Image));
        await Eventually.HoldsAsync(() => core.Service.GetJob(begun.Id).BytesDone == Mb);
        Assert.Equal((300 * Mb, 299 * Mb), (core.Service.GetJob(begun.Id).BytesTotal, core.Promised.Bytes));
        goOn.SetResult();
        var ended = await EndAsync(begun);
        Assert.Equal((JobState.Succeeded, 300 * Mb, 0L), (ended.State, ended.BytesDone, core.Promised.Bytes));
        Assert.Equal(new NewTemplate(Debian, "url x", 300 * Mb, null), Assert.Single(imports));
        core.Index.Verify(index => index.Add(It.IsAny<TemplateDetails>()), Times.Once);
    }

    [Fact]
    public async Task What_the_URL_itself_forbids_begins_no_job()
    {
        core.Urls.Setup(source => source.Check(Url)).Throws(new RefusedException(Refusal.UrlRefused, "no"));
        Assert.Equal(Refusal.UrlRefused, (await Assert.ThrowsAsync<RefusedException>(() => StartAsync())).Reason);
        Assert.Empty(core.Jobs.All);
    }

    [Fact]
    public async Task A_name_that_is_taken_begins_no_job_and_keeps_no_place()
    {
        core.Import.MaxAtOnce = 1;
        for (var tries = 0; tries < 2; tries++)
        {
            Assert.Equal(Refusal.ImageExists, (await Assert.ThrowsAsync<RefusedException>(() => core.UrlImports.StartAsync(Wanted() with { Image = Centos }, Url, CancellationToken.None))).Reason);
        }

        Assert.Empty(core.Jobs.All);
        await StartAsync();
        Assert.Equal(Refusal.TooManyRequests, (await Assert.ThrowsAsync<RefusedException>(() => StartAsync())).Reason);
    }

    [Fact]
    public async Task Without_room_for_all_of_it_nothing_is_read()
    {
        content = content with { Length = 501 * Mb };
        var ended = await EndAsync(await StartAsync());
        Assert.Equal((JobState.Failed, Refusal.NoSpace, 0), (ended.State, ended.Refusal, imports.Count));
    }

    [Fact]
    public async Task What_has_no_known_size_is_counted()
    {
        goOn.SetResult();
        core.Import.MaxBytes = 2 * Mb - 1;
        content = content with { Length = null };
        var ended = await EndAsync(await StartAsync());
        Assert.Equal((JobState.Failed, Refusal.TooLarge, 1), (ended.State, ended.Refusal, imports.Count));
    }

    [Theory]
    [InlineData(null, "Failed")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000", "Succeeded")]
    public async Task An_end_that_is_not_certain_needs_a_digest(string? sha256, string state)
    {
        goOn.SetResult();
        content = content with { Length = null, IsEndCertain = false };
        Assert.Equal(state, (await EndAsync(await StartAsync(sha256))).State.ToString());
    }

    [Theory]
    [InlineData(3, "Succeeded", null)]
    [InlineData(4, "Failed", "the template debian12 was begun 4 times and never came whole: it has changed")]
    public async Task It_begins_anew_but_not_for_ever(int changes, string state, string? error)
    {
        restarts = changes;
        goOn.SetResult();
        var ended = await EndAsync(await StartAsync());
        Assert.Equal((state, error, 4), (ended.State.ToString(), ended.Error, opened));
        Assert.Equal(0, core.Promised.Bytes);
    }

    [Fact]
    public async Task A_job_that_is_cancelled_ends_and_gives_its_room_back()
    {
        var begun = await StartAsync();
        await Eventually.HoldsAsync(() => imports.Count == 1);
        var ended = await Eventually.EndsAsync(core.Service.CancelJobAsync(begun.Id, CancellationToken.None));
        Assert.Equal((JobState.Cancelled, 0L), (ended.State, core.Promised.Bytes));
    }

    [Fact]
    public async Task A_daemon_that_stops_says_so_in_the_job()
    {
        var begun = await StartAsync();
        await Eventually.HoldsAsync(() => imports.Count == 1);
        core.Lifetime.StopApplication();
        var ended = await EndAsync(begun);
        Assert.Equal((JobState.Failed, Refusal.ShuttingDown), (ended.State, ended.Refusal));
    }

    [Fact]
    public async Task A_template_that_is_protected_meanwhile_is_not_replaced()
    {
        var checks = 0;
        core.Remover.Setup(remover => remover.CheckImageAsync(Debian, It.IsAny<CancellationToken>())).Returns(() => ++checks == 1
            ? Task.CompletedTask
            : Task.FromException(new RefusedException(Refusal.ImageProtected, "the template debian12 is protected")));
        goOn.SetResult();
        var ended = await EndAsync(await core.UrlImports.StartAsync(Wanted() with { Replace = true }, Url, CancellationToken.None));
        Assert.Equal((JobState.Failed, Refusal.ImageProtected), (ended.State, ended.Refusal));
    }

    private static NewTemplate Wanted(string? sha256 = null) => new(Debian, "url x", null, sha256);

    private Task<JobStatus> StartAsync(string? sha256 = null) => core.UrlImports.StartAsync(Wanted(sha256), Url, CancellationToken.None);

    private async Task<JobStatus> EndAsync(JobStatus begun)
    {
        await Eventually.EndsAsync(core.Jobs.Get(begun.Id).Over);
        return core.Service.GetJob(begun.Id);
    }
}
