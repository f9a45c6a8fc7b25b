using StorageHost.Files;
using StorageHost.Images;
using StorageHost.Tests.Images;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Files;

public sealed class TidyingTests : IAsyncLifetime
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);

    private readonly Store store = new();
    private readonly ManualTimeProvider time = new();
    private readonly RightOfWay way;
    private Daemon daemon = null!;
    private Tidying tidying = null!;

    public TidyingTests() => way = new RightOfWay(time);

    public async Task InitializeAsync()
    {
        daemon = await Daemon.StartAsync(store);
        tidying = new Tidying(daemon.Volume, way, time);
    }

    public async Task DisposeAsync()
    {
        await tidying.DisposeAsync();
        await daemon.DisposeAsync();
        store.Dispose();
    }

    [Fact]
    public async Task What_is_left_goes_at_once_when_nothing_is_urgent()
    {
        tidying.Leave(await NewAsync());
        await Eventually.HoldsAsync(() => store.Private.Count == 0);
    }

    [Fact]
    public async Task In_a_burst_of_claims_it_stays_for_a_second()
    {
        using var urgent = way.Take();
        var files = new[] { await NewAsync(), await NewAsync() };
        Array.ForEach(files, tidying.Leave);
        time.Advance(TimeSpan.FromMilliseconds(900));
        await daemon.ThreadsAreFreeAsync();
        Assert.Equal(2, store.Private.Count);
        Assert.True(await daemon.RunAsync(session => files.All(file => session.Private.IsInUse(file.Name))));
        time.Advance(TimeSpan.FromMilliseconds(200));
        await Eventually.HoldsAsync(() => store.Private.Count == 0);
        await Eventually.HoldsAsync(() => daemon.RunAsync(session => !files.Any(file => session.Private.IsInUse(file.Name))).Result);
    }

    [Fact]
    public async Task A_claim_that_comes_while_it_tidies_has_the_right_of_way()
    {
        var urgent = way.Take();
        using var blocked = new ManualResetEventSlim();
        var first = await NewAsync();
        var second = await NewAsync();
        tidying.Leave(first);
        tidying.Leave(second);
        var held = Enumerable.Range(0, 4).Select(_ => daemon.RunAsync(_ => blocked.Wait(TimeSpan.FromSeconds(20)))).ToArray();
        await Eventually.HoldsAsync(() => daemon.Threads.Busy == 4);
        urgent.Dispose();
        await Eventually.HoldsAsync(() => daemon.Threads.Queued == 1, time, Step); // the first is to be unlinked, and waits for a thread
        urgent = way.Take();
        blocked.Set();
        await Task.WhenAll(held);
        await daemon.ThreadsAreFreeAsync();
        Assert.Equal(second.Name[(second.Name.LastIndexOf('/') + 1)..], Path.GetFileName(Assert.Single(store.Private)));
        urgent.Dispose();
        await Eventually.HoldsAsync(() => store.Private.Count == 0, time, Step);
    }

    [Fact]
    public async Task When_the_daemon_stops_it_goes_at_once()
    {
        var urgent = way.Take();
        tidying.Leave(await NewAsync());
        var stopping = tidying.DisposeAsync().AsTask();
        await Eventually.HoldsAsync(() => store.Private.Count == 0);
        urgent.Dispose();
        time.Advance(TimeSpan.FromSeconds(1));
        await Eventually.EndsAsync(stopping);
    }

    [Fact]
    public async Task A_storage_that_hangs_does_not_keep_the_daemon_from_stopping()
    {
        using var urgent = way.Take();
        using var blocked = new ManualResetEventSlim();
        tidying.Leave(await NewAsync());
        tidying.Leave(await NewAsync());
        var held = Enumerable.Range(0, 4).Select(_ => daemon.RunAsync(_ => blocked.Wait(TimeSpan.FromSeconds(20)))).ToArray();
        await Eventually.HoldsAsync(() => daemon.Threads.Busy == 4);
        var stopping = tidying.DisposeAsync().AsTask();
        Assert.False(stopping.IsCompleted);
        await Eventually.HoldsAsync(() => stopping.IsCompleted, time, TimeSpan.FromMilliseconds(500));
        Assert.Equal(2, store.Private.Count);
        blocked.Set();
        await Task.WhenAll(held);
    }

    private async Task<PrivateFile> NewAsync()
    {
        var file = await daemon.RunAsync(session => session.Private.NewFile(PrivateKind.Claim, Sample.Centos.Text));
        store.Write(file.Name, 1);
        return file;
    }
}
