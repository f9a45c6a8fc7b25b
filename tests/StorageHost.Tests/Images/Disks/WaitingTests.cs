using Moq;
using StorageHost.Images;
using StorageHost.Images.Disks;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;
using StorageHost.Images.Ports;
using StorageHost.Tests.Support;
using Xunit;
using static StorageHost.Tests.Images.Sample;

namespace StorageHost.Tests.Images.Disks;

/// <summary>Publishing when no copy is ready, with the reconciler at work.</summary>
public sealed class WaitingTests : IAsyncLifetime
{
    private readonly Core core = new();
    private readonly TaskCompletionSource gate = new();

    public Task InitializeAsync() => core.StartAsync();

    public async Task DisposeAsync() => await core.DisposeAsync();

    [Fact]
    public async Task A_miss_gets_the_next_copy_that_is_made()
    {
        var disk = await Eventually.EndsAsync(SetImageAsync(Web01));
        Assert.Equal((DiskSource.Copy, 0, 1), (disk.Source, core.Pool.Claims(ClaimOutcome.Hit), core.Pool.Claims(ClaimOutcome.Miss)));
        Assert.Equal([(Centos, 1)], core.Passes);
        Assert.Empty(core.Copies);
    }

    [Fact]
    public async Task Several_who_wait_share_one_reading_of_the_template()
    {
        core.Gate = gate.Task;
        var first = SetImageAsync(Host("first"));
        await Eventually.HoldsAsync(() => core.Passes.Count == 1);
        var others = Enumerable.Range(0, 5).Select(number => SetImageAsync(Host($"other{number}"))).ToArray();
        await Eventually.HoldsAsync(() => core.Pool.Waiting == 6);
        gate.SetResult();
        await Eventually.EndsAsync(Task.WhenAll([first, .. others]));
        Assert.Equal([(Centos, 1), (Centos, 5)], core.Passes);
        Assert.Equal(6, core.Disks.Count);
    }

    [Fact]
    public async Task More_than_fit_one_reading_wait_for_the_next()
    {
        core.Gate = gate.Task;
        var all = Enumerable.Range(0, 20).Select(number => SetImageAsync(Host($"web{number}"))).ToArray();
        await Eventually.HoldsAsync(() => core.Pool.Waiting == 20);
        gate.SetResult();
        await Eventually.EndsAsync(Task.WhenAll(all));
        Assert.Equal((20, 20), (core.Disks.Count, core.Passes.Sum(pass => pass.Copies)));
        Assert.All(core.Passes, pass => Assert.InRange(pass.Copies, 1, 8));
    }

    [Fact]
    public async Task The_copy_of_one_who_left_goes_to_the_next_or_to_the_pool()
    {
        core.Gate = gate.Task;
        using var gone = new CancellationTokenSource();
        var leaving = core.Service.SetImageAsync(Centos, Web01, null, null, gone.Token);
        var staying = SetImageAsync(Web02);
        await Eventually.HoldsAsync(() => core.Pool.Waiting == 2 && !core.Passes.IsEmpty);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.EndsAsync(leaving));
        gate.SetResult();
        await Eventually.EndsAsync(staying);
        Assert.Equal([Web02], core.Disks.Keys);
    }

    [Fact]
    public async Task A_claim_that_reaches_one_who_is_leaving_is_released()
    {
        using var gone = new CancellationTokenSource();
        core.Publisher.Setup(publisher => publisher.PublishAsync(It.IsAny<Claim>(), Web01, It.IsAny<int?>(), It.IsAny<RequestMark?>(), It.IsAny<CancellationToken>()))
            .Returns(async (Claim claim, Hostname _, int? _, RequestMark? _, CancellationToken cancellationToken) =>
            {
                claim.File.Dispose();
                await gone.CancelAsync();
                cancellationToken.ThrowIfCancellationRequested();
                return null!;
            });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.EndsAsync(core.Service.SetImageAsync(Centos, Web01, null, null, gone.Token)));
        Assert.Empty(core.Disks);
    }

    [Fact]
    public async Task A_claim_is_released_when_its_template_cannot_be_looked_at()
    {
        core.Gate = gate.Task;
        var waiting = SetImageAsync(Web01);
        await Eventually.HoldsAsync(() => core.Passes.Count == 1);
        core.Templates.Clear();
        gate.SetResult();
        Assert.Equal(Refusal.ImageNotFound, (await Assert.ThrowsAsync<RefusedException>(() => Eventually.EndsAsync(waiting))).Reason);
        Assert.Single(core.Released);
    }

    [Fact]
    public async Task A_claim_of_a_template_that_was_replaced_meanwhile_is_not_published()
    {
        core.Gate = gate.Task;
        var waiting = SetImageAsync(Web01);
        await Eventually.HoldsAsync(() => core.Passes.Count == 1);
        core.Engine.SetupSequence(engine => engine.MakeAsync(Centos, 1, It.IsAny<Func<CopyProgress, ValueTask<Pace>>>(), It.IsAny<CancellationToken>()))
            .ReturnsAsync([Claim(of: Old)])
            .ReturnsAsync([Claim(of: New)]);
        core.Templates[Centos] = Template(fingerprint: New);
        gate.SetResult();
        await Eventually.EndsAsync(waiting);
        Assert.Single(core.Disks);
    }

    [Fact]
    public async Task Who_waits_is_told_why_no_copy_can_be_made_and_the_next_one_tries_anew()
    {
        core.Space = new VolumeSpace(100_000, 5000);
        Assert.Equal(Refusal.NoSpace, (await Assert.ThrowsAsync<RefusedException>(() => Eventually.EndsAsync(SetImageAsync(Web01)))).Reason);
        core.Space = new VolumeSpace(100_000, 50_000);
        await Eventually.EndsAsync(SetImageAsync(Web01));
    }

    [Fact]
    public async Task Who_waits_is_not_left_waiting_by_a_failure_that_nobody_expected()
    {
        core.Gate = Task.FromException(new InvalidOperationException("a bug"));
        await Assert.ThrowsAsync<InvalidOperationException>(() => Eventually.EndsAsync(SetImageAsync(Web01)));
        core.Gate = Task.CompletedTask;
        await Eventually.EndsAsync(SetImageAsync(Web01));
    }

    [Fact]
    public async Task A_copy_that_another_request_gives_back_is_taken_at_once()
    {
        core.Gate = gate.Task;
        core.Levels[Centos] = 1;
        core.Pool.SetWanted(1);
        var waiting = SetImageAsync(Web01);
        await Eventually.HoldsAsync(() => core.Pool.Waiting == 1 && core.Passes.Count == 1);
        core.AddCopies(1);
        core.Pool.Put(Copy(1));
        await Eventually.EndsAsync(waiting);
        Assert.Equal((0, 1, 0), (core.Pool.Ready, core.Passes.Count, core.Copies.Count));
        gate.SetResult();
        await core.PassesUntilAsync(() => core.Pool.Ready == 1);
    }

    private Task<PublishedDisk> SetImageAsync(Hostname hostname) => core.Service.SetImageAsync(Centos, hostname, null, null, CancellationToken.None);
}
