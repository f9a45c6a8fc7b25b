using Moq;
using StorageHost.Images;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;
using StorageHost.Images.Ports;
using StorageHost.Tests.Support;
using Xunit;
using static StorageHost.Tests.Images.Sample;

namespace StorageHost.Tests.Images.Pools;

public sealed class PreclaimedCopiesTests : IAsyncLifetime
{
    private readonly Core core = new();

    public async Task InitializeAsync()
    {
        core.AddCopies(5);
        core.Levels[Centos] = 5;
        await core.StartAsync();
        await Eventually.HoldsAsync(() => core.Pool.Ready == 5);
    }

    public async Task DisposeAsync() => await core.DisposeAsync();

    [Fact]
    public async Task Where_nobody_asks_nothing_is_claimed_ahead()
    {
        await core.PassesUntilAsync(() => core.Time.GetUtcNow() > ManualTimeProvider.Start.AddMinutes(2));
        Assert.Equal((0, 5), (core.Pool.Held, core.Copies.Count));
    }

    [Fact]
    public async Task Once_somebody_has_asked_half_of_the_level_is_claimed_ahead_and_given_out_first()
    {
        await AskAsync(Web01);
        await core.PassesUntilAsync(() => core.Pool is { Held: 3, Ready: 5 });
        Assert.Equal(2, core.Copies.Count);
        core.Publisher.Invocations.Clear();
        await AskAsync(Web02);
        Assert.DoesNotContain(core.Publisher.Invocations, call => call.Method.Name == nameof(IPublisher.ClaimAsync));
    }

    [Fact]
    public async Task While_claims_are_under_way_nothing_is_claimed_ahead_but_once_a_second()
    {
        using var urgent = core.Foreground.Enter();
        await AskAsync(Web01);
        core.Time.Advance(TimeSpan.FromMilliseconds(900));
        Assert.Equal(0, core.Pool.Held);
        await core.PassesUntilAsync(() => core.Pool.Held > 0);
    }

    [Fact]
    public async Task When_nobody_asks_any_more_the_copies_go_back()
    {
        await AskAsync(Web01);
        await core.PassesUntilAsync(() => core.Pool.Held == 3);
        await core.PassesUntilAsync(() => core.Pool.Held == 0);
        Assert.True(core.Time.GetUtcNow() >= ManualTimeProvider.Start.AddMinutes(1));
        await core.PassesUntilAsync(() => core.Copies.Count == 5);
        Assert.Equal(5, core.Pool.Ready);
    }

    [Fact]
    public async Task A_clock_that_is_set_back_keeps_no_copy_longer()
    {
        await AskAsync(Web01);
        await core.PassesUntilAsync(() => core.Pool.Held == 3);
        core.Time.Set(TimeSpan.FromHours(-2));
        var started = core.Time.GetTimestamp();
        await core.PassesUntilAsync(() => core.Pool.Held == 0 || core.Time.GetElapsedTime(started) > TimeSpan.FromMinutes(10));
        Assert.True(core.Time.GetElapsedTime(started) <= TimeSpan.FromMinutes(2));
    }

    [Fact]
    public async Task What_another_daemon_has_claimed_counts_too()
    {
        core.HeldElsewhere[Centos] = 2;
        await core.PassesUntilAsync(() => core.Pool is { Ready: 3, Total: 5 });
        core.HeldElsewhere.Clear();
        await core.PassesUntilAsync(() => core.Pool is { Ready: 5, Total: 5 });
    }

    [Fact]
    public async Task When_the_level_falls_what_is_held_goes_back_and_is_trimmed()
    {
        await AskAsync(Web01);
        await core.PassesUntilAsync(() => core.Pool is { Held: 3, Ready: 5 });
        await core.Service.SetLevelsAsync(new Dictionary<ImageName, int> { [Centos] = 0 }, CancellationToken.None);
        await core.PassesUntilAsync(() => core.Pool is { Held: 0, Ready: 0 } && core.Copies.IsEmpty);
    }

    [Fact]
    public async Task A_copy_that_was_being_claimed_when_the_level_fell_is_trimmed_before_the_next_scan()
    {
        await AskAsync(Web01);
        var (began, gate) = (new TaskCompletionSource<Claim>(), new TaskCompletionSource());
        core.Publisher.Setup(publisher => publisher.ClaimAsync(It.IsAny<Copy>(), It.IsAny<CancellationToken>()))
            .Returns(async (Copy copy, CancellationToken _) =>
            {
                core.Copies.TryRemove((copy.Image, copy.Number), out var _);
                var claim = core.NewClaim(copy.Image, copy.MadeFrom);
                began.TrySetResult(claim);
                await gate.Task;
                return claim;
            });
        await SoonAsync(() => began.Task.IsCompleted);
        await core.Service.SetLevelsAsync(new Dictionary<ImageName, int> { [Centos] = 0 }, CancellationToken.None);
        await SoonAsync(() => core.Copies.IsEmpty);
        gate.SetResult();
        await SoonAsync(() => core.Pool is { Held: 0, Ready: 0 } && core.Copies.IsEmpty && core.Released.Contains(began.Task.Result.File.Name, StringComparer.Ordinal));
        Assert.True(core.Time.GetUtcNow() < ManualTimeProvider.Start + Core.Rescan);
    }

    [Fact]
    public async Task When_the_template_is_replaced_what_is_held_is_retired()
    {
        await AskAsync(Web01);
        await core.PassesUntilAsync(() => core.Pool is { Held: 3, Ready: 5 });
        core.Templates[Centos] = Template(fingerprint: New);
        await core.PassesUntilAsync(() => core.Released.Count >= 4);
        core.Publisher.Verify(publisher => publisher.RetireAsync(It.Is<Claim>(claim => claim.MadeFrom == Old), It.IsAny<CancellationToken>()), Times.Exactly(3));
    }

    [Fact]
    public async Task When_the_image_is_deleted_what_is_held_goes_too()
    {
        await AskAsync(Web01);
        await core.PassesUntilAsync(() => core.Pool is { Held: 3, Ready: 5 });
        core.Remover.Setup(remover => remover.CheckImageAsync(Centos, It.IsAny<CancellationToken>())).Returns(Task.CompletedTask);
        core.Remover.Setup(remover => remover.RemoveImageAsync(Centos, It.IsAny<CancellationToken>())).ReturnsAsync(() =>
        {
            core.Templates.Clear();
            core.Copies.Clear();
            core.Levels.Clear();
            return new RemovedImage(Centos, [Names.Template(Centos)]);
        });
        await core.Service.DeleteImageAsync(Centos, CancellationToken.None);
        core.Publisher.Verify(publisher => publisher.RetireAsync(It.IsAny<Claim>(), It.IsAny<CancellationToken>()), Times.Exactly(3));
        Assert.Equal((0, 0), (core.Pool.Held, core.Pool.Ready));
    }

    [Fact]
    public async Task When_the_daemon_stops_everything_held_goes_back()
    {
        await AskAsync(Web01);
        await core.PassesUntilAsync(() => core.Pool is { Held: 3, Ready: 5 });
        core.Lifetime.StopApplication();
        await Eventually.EndsAsync(core.Reconciler.StopAsync(CancellationToken.None));
        Assert.Equal((0, 5), (core.Pool.Held, core.Copies.Count));
    }

    private Task SoonAsync(Func<bool> condition) => Eventually.HoldsAsync(condition, core.Time, TimeSpan.FromMilliseconds(1));

    private Task<PublishedDisk> AskAsync(Hostname hostname) => Eventually.EndsAsync(core.Service.SetImageAsync(Centos, hostname, null, null, CancellationToken.None));
}
