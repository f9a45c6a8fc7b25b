using Moq;
using StorageHost.Images;
using StorageHost.Images.Disks;
using StorageHost.Images.Jobs;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;
using StorageHost.Tests.Support;
using Xunit;
using static StorageHost.Tests.Images.Sample;

namespace StorageHost.Tests.Images.Disks;

/// <summary>Disks of a size that was asked for: what is known not to fit costs no copy.</summary>
public sealed class SizedImageTests : IAsyncLifetime
{
    private readonly Core core = new();
    private readonly List<(ImageName Image, int SizeGb)> checks = [];
    private RefusedException? refusal;

    public SizedImageTests() => core.Publisher
        .Setup(publisher => publisher.CheckSizeAsync(It.IsAny<ImageName>(), It.IsAny<int>(), It.IsAny<CancellationToken>()))
        .Returns((ImageName image, int size, CancellationToken _) =>
        {
            checks.Add((image, size));
            return refusal is { } refused ? throw refused : ValueTask.CompletedTask;
        });

    public Task InitializeAsync() => HaveAsync(2);

    public async Task DisposeAsync() => await core.DisposeAsync();

    [Fact]
    public async Task The_answer_says_the_size()
    {
        var disk = await core.Service.SetImageAsync(Centos, Web01, 40, null, CancellationToken.None);
        Assert.Equal(new PublishedDisk(Web01, Centos, Names.SystemDisk(Web01), DiskSource.Pool, 40), disk);
        Assert.Equal([(Centos, 40)], checks);
        core.Publisher.Verify(publisher => publisher.PublishAsync(It.IsAny<Claim>(), Web01, 40, null, It.IsAny<CancellationToken>()));
    }

    [Fact]
    public async Task Without_one_nothing_is_asked()
    {
        await core.Service.SetImageAsync(Centos, Web01, null, null, CancellationToken.None);
        Assert.Empty(checks);
    }

    [Fact]
    public async Task A_size_that_does_not_fit_costs_no_copy_and_no_waiting()
    {
        refusal = new RefusedException(Refusal.InvalidSize, "must be at least 50: …");
        Assert.Same(refusal, await Assert.ThrowsAsync<RefusedException>(() => core.Service.SetImageAsync(Centos, Web01, 40, null, CancellationToken.None)));
        Assert.Same(refusal, await Assert.ThrowsAsync<RefusedException>(() => core.Service.StartSetImageAsync(Centos, Web01, 40, null, CancellationToken.None)));
        Assert.Equal((2, 2), (core.Pool.Ready, core.Copies.Count));
        Assert.Empty(core.Disks);
        Assert.DoesNotContain(core.Jobs.All, job => job.Kind == JobKind.SetImage);
    }

    [Fact]
    public async Task A_host_that_is_known_to_have_its_disk_costs_no_copy()
    {
        core.Disks[Web01] = Centos;
        core.Hosts.Setup(hosts => hosts.IsKnown(Web01)).Returns(true);
        var refused = await Assert.ThrowsAsync<RefusedException>(() => core.Service.SetImageAsync(Centos, Web01, 40, null, CancellationToken.None));
        Assert.Equal(Refusal.HostExists, refused.Reason);
        core.Publisher.Verify(
            publisher => publisher.PublishAsync(It.IsAny<Claim>(), It.IsAny<Hostname>(), It.IsAny<int?>(), It.IsAny<RequestMark?>(), It.IsAny<CancellationToken>()), Times.Never);
    }

    [Fact]
    public async Task A_key_covers_the_size()
    {
        var first = await core.Service.SetImageAsync(Centos, Web01, 40, "key", CancellationToken.None);
        Assert.Equal(first, await core.Service.SetImageAsync(Centos, Web01, 40, "key", CancellationToken.None));
        foreach (var other in new int?[] { null, 41 })
        {
            core.Hosts.Setup(hosts => hosts.IsKnown(Web01)).Returns(true);
            var refused = await Assert.ThrowsAsync<RefusedException>(() => core.Service.SetImageAsync(Centos, Web01, other, "key", CancellationToken.None));
            Assert.Equal(Refusal.HostExists, refused.Reason);
        }

        Assert.Equal("setimage centos web01", RequestMark.OfSetImage("key", Centos, Web01, null)!.Request);
        Assert.Equal("setimage centos web01 size=40", RequestMark.OfSetImage("key", Centos, Web01, 40)!.Request);
    }

    [Fact]
    public async Task A_job_makes_it_too_and_says_why_it_could_not()
    {
        var begun = await core.Service.StartSetImageAsync(Centos, Web01, 40, null, CancellationToken.None);
        await Eventually.EndsAsync(core.Jobs.Get(begun.Id).Over);
        Assert.Equal(40, core.Service.GetJob(begun.Id).Disk!.SizeGb);

        core.Publisher.Setup(publisher => publisher.PublishAsync(It.IsAny<Claim>(), Web02, 40, It.IsAny<RequestMark?>(), It.IsAny<CancellationToken>()))
            .ThrowsAsync(new RefusedException(Refusal.InvalidSize, "must be at least 50"));
        var failing = await core.Service.StartSetImageAsync(Centos, Web02, 40, null, CancellationToken.None);
        await Eventually.EndsAsync(core.Jobs.Get(failing.Id).Over);
        Assert.Equal((JobState.Failed, "the size must be at least 50"), (core.Service.GetJob(failing.Id).State, core.Service.GetJob(failing.Id).Error));
    }

    private async Task HaveAsync(int copies)
    {
        core.AddCopies(copies);
        await core.Scanner.ScanAsync(CancellationToken.None);
    }
}
