using Moq;
using StorageHost.Images;
using StorageHost.Images.Disks;
using StorageHost.Images.Pools;
using StorageHost.Tests.Support;
using Xunit;
using static StorageHost.Tests.Images.Sample;

namespace StorageHost.Tests.Images.Disks;

/// <summary>Publishing while copies are ready.</summary>
public sealed class SetImageTests : IAsyncLifetime
{
    private readonly Core core = new(new PoolOptions { MaxWaiting = 2 });

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await core.DisposeAsync();

    [Fact]
    public async Task A_ready_copy_is_published_at_once()
    {
        await HaveAsync(1);
        var disk = await core.Service.SetImageAsync(Centos, Web01, null, null, CancellationToken.None);
        Assert.Equal(new PublishedDisk(Web01, Centos, Names.SystemDisk(Web01), DiskSource.Pool), disk);
        Assert.Equal((0, 1, 0), (core.Pool.Ready, core.Pool.Claims(ClaimOutcome.Hit), core.Pool.Claims(ClaimOutcome.Miss)));
        Assert.Empty(core.Passes);
    }

    [Fact]
    public async Task A_copy_that_is_gone_leads_to_the_next_one()
    {
        await HaveAsync(3);
        core.Copies.TryRemove((Centos, 1), out _);
        core.Copies.TryRemove((Centos, 2), out _);
        var disk = await core.Service.SetImageAsync(Centos, Web01, null, null, CancellationToken.None);
        Assert.Equal((DiskSource.Pool, 0), (disk.Source, core.Pool.Ready));
    }

    [Fact]
    public async Task A_stale_copy_leads_to_the_next_one()
    {
        core.AddCopies(2);
        await core.Scanner.ScanAsync(CancellationToken.None);
        core.Copies[(Centos, 1)] = Copy(1, New);
        await core.Service.SetImageAsync(Centos, Web01, null, null, CancellationToken.None);
        Assert.Equal((0, 0), (core.Pool.Ready, core.Copies.Count));
    }

    [Fact]
    public async Task A_taken_hostname_is_refused_and_the_copy_goes_back()
    {
        await HaveAsync(1);
        core.Disks[Web01] = Debian;
        Assert.Equal(Refusal.HostExists, await RefusalAsync());
        Assert.Equal((1, 1, Debian), (core.Pool.Ready, core.Copies.Count, core.Disks[Web01]));
        await core.Service.SetImageAsync(Centos, Web02, null, null, CancellationToken.None);
    }

    [Fact]
    public async Task A_taken_hostname_is_refused_without_waiting_for_a_copy()
    {
        core.Disks[Web01] = Debian;
        Assert.Equal(Refusal.HostExists, await RefusalAsync());
        Assert.Equal(0, core.Pool.Waiting);
    }

    [Fact]
    public async Task Without_a_template_there_is_no_disk()
    {
        core.Templates.Clear();
        Assert.Equal(Refusal.ImageNotFound, await RefusalAsync());
    }

    [Fact]
    public async Task When_the_storage_fails_the_copy_is_not_forgotten()
    {
        await HaveAsync(1);
        core.Publisher.SetupSequence(publisher => publisher.ClaimAsync(It.IsAny<Copy>(), It.IsAny<CancellationToken>()))
            .ThrowsAsync(new RefusedException(Refusal.StorageUnavailable, "the storage answered EIO"))
            .ReturnsAsync(core.NewClaim(Centos, Old));
        Assert.Equal(Refusal.StorageUnavailable, await RefusalAsync());
        Assert.Equal(1, core.Pool.Ready);
        await core.Service.SetImageAsync(Centos, Web02, null, null, CancellationToken.None);
    }

    [Fact]
    public async Task A_host_whose_namesake_in_another_letter_case_has_disks_gets_none()
    {
        await HaveAsync(1);
        core.Hosts.Setup(hosts => hosts.FindNamesakeAsync(Web01, It.IsAny<CancellationToken>())).ReturnsAsync(Names.SystemDisk(Host("Web01")));
        const string Message = "Web01.qcow2 already exists: its hostname and web01 differ only in letter case, and are one host in DNS";
        Func<Task>[] requests =
        [
            () => core.Service.SetImageAsync(Centos, Web01, null, null, CancellationToken.None),
            () => core.Service.StartSetImageAsync(Centos, Web01, null, "key", CancellationToken.None),
            () => core.Service.AddStorageAsync(Web01, 5, null, CancellationToken.None),
        ];
        foreach (var request in requests)
        {
            var refused = await Assert.ThrowsAsync<RefusedException>(() => Eventually.EndsAsync(request()));
            Assert.Equal((Refusal.HostExists, Message), (refused.Reason, refused.Message));
        }

        Assert.Equal((1, 0, 1), (core.Pool.Ready, core.Disks.Count, core.Pool.Claims(ClaimOutcome.Conflict)));
        await core.Service.SetImageAsync(Centos, Web02, null, null, CancellationToken.None);
        core.Hosts.Verify(hosts => hosts.Add(Web02, Names.SystemDisk(Web02)), Times.Once);
    }

    [Fact]
    public async Task A_caller_who_is_gone_gets_no_disk()
    {
        await HaveAsync(1);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => core.Service.SetImageAsync(Centos, Web01, null, null, new CancellationToken(canceled: true)));
        Assert.Equal((1, 0), (core.Pool.Ready, core.Disks.Count));
    }

    [Fact]
    public async Task A_request_sent_again_has_the_outcome_of_the_first_and_takes_no_copy()
    {
        await HaveAsync(2);
        var first = await core.Service.SetImageAsync(Centos, Web01, null, "key", CancellationToken.None);
        Assert.Equal(first, await core.Service.SetImageAsync(Centos, Web01, null, "key", CancellationToken.None));
        Assert.Equal((1, 1, 1), (core.Pool.Ready, core.Pool.Claims(ClaimOutcome.Hit), core.Pool.Claims(ClaimOutcome.Repeated)));
        Assert.Equal(Refusal.HostExists, await RefusalAsync());
        Assert.Equal(Refusal.HostExists, (await Assert.ThrowsAsync<RefusedException>(() => core.Service.SetImageAsync(Centos, Web01, null, "other", CancellationToken.None))).Reason);
    }

    [Fact]
    public async Task Only_so_many_may_wait()
    {
        var waits = new[] { core.Service.SetImageAsync(Centos, Host("a"), null, null, CancellationToken.None), core.Service.SetImageAsync(Centos, Host("b"), null, null, CancellationToken.None) };
        Assert.Equal(2, core.Pools.All.Sum(pool => pool.Waiting));
        Assert.Equal(Refusal.TooManyRequests, await RefusalAsync());
        core.Pool.FailWaiters(new RefusedException(Refusal.NoSpace, "full"));
        foreach (var wait in waits)
        {
            await Assert.ThrowsAsync<RefusedException>(() => Eventually.EndsAsync(wait));
        }
    }

    [Fact]
    public async Task A_daemon_that_stops_lets_nobody_wait()
    {
        var waiting = core.Service.SetImageAsync(Centos, Web02, null, null, CancellationToken.None);
        core.Lifetime.StopApplication();
        Assert.Equal(Refusal.ShuttingDown, (await Assert.ThrowsAsync<RefusedException>(() => Eventually.EndsAsync(waiting))).Reason);
        Assert.Equal(Refusal.ShuttingDown, await RefusalAsync());
        Assert.Equal(0, core.Pool.Waiting);
    }

    [Fact]
    public async Task A_daemon_that_stops_still_publishes_what_is_ready()
    {
        await HaveAsync(1);
        core.Lifetime.StopApplication();
        Assert.Equal(DiskSource.Pool, (await core.Service.SetImageAsync(Centos, Web01, null, null, CancellationToken.None)).Source);
    }

    [Fact]
    public async Task Who_waits_too_long_is_told_so()
    {
        var waiting = core.Service.SetImageAsync(Centos, Web01, null, null, CancellationToken.None);
        core.Time.Advance(TimeSpan.FromMinutes(30));
        Assert.Equal(Refusal.StorageTimeout, (await Assert.ThrowsAsync<RefusedException>(() => Eventually.EndsAsync(waiting))).Reason);
        Assert.Equal((0, 0), (core.Pool.Waiting, core.Disks.Count));
    }

    private async Task HaveAsync(int copies)
    {
        core.AddCopies(copies);
        await core.Scanner.ScanAsync(CancellationToken.None);
        Assert.Equal(copies, core.Pool.Ready);
    }

    private async Task<Refusal> RefusalAsync() =>
        (await Assert.ThrowsAsync<RefusedException>(() => Eventually.EndsAsync(core.Service.SetImageAsync(Centos, Web01, null, null, CancellationToken.None)))).Reason;
}
