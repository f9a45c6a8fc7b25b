using StorageHost.Images;
using StorageHost.Images.Disks;
using StorageHost.Images.Pools;
using StorageHost.Images.Ports;
using StorageHost.Tests.Images;
using Xunit;

namespace StorageHost.Tests.Files.Publishing;

public sealed class PublisherTests : IAsyncLifetime
{
    private readonly Store store = new();
    private Daemon daemon = null!;
    private byte[] content = [];

    public async Task InitializeAsync()
    {
        content = store.WriteTemplate(100_000);
        daemon = await Daemon.StartAsync(store);
    }

    public async Task DisposeAsync()
    {
        await daemon.DisposeAsync();
        store.Dispose();
    }

    [Fact]
    public async Task A_copy_from_the_pool_becomes_the_disk()
    {
        var copy = (await daemon.FillAsync(1)).Single();
        Assert.Equal("centos_dup_1_ready centos_template.img", store.Names);
        var result = await daemon.PublishAsync(copy, Sample.Web01);
        Assert.Equal(new PublishResult(PublishOutcome.Published, Sample.Names.SystemDisk(Sample.Web01)), result);
        Assert.Equal("centos_template.img web01.qcow2", store.Names);
        Assert.Equal((copy.Inode, 1u), (store.Stat("web01.qcow2").Inode, store.Stat("web01.qcow2").Links));
        Assert.True(store.Read("web01.qcow2").AsSpan().SequenceEqual(content));
        Assert.Empty(store.Private);
    }

    [Fact]
    public async Task Copies_take_the_first_free_numbers()
    {
        store.Write("centos_dup_2_ready", 1);
        Assert.Equal([1, 3, 4], (await daemon.FillAsync(3)).Select(copy => copy.Number));
        Assert.Equal([1], store.Read("centos_dup_2_ready"));
    }

    [Fact]
    public async Task A_copy_that_is_gone_publishes_nothing()
    {
        var copy = (await daemon.FillAsync(1)).Single();
        await daemon.Publisher.RetireAsync(copy, CancellationToken.None);
        await daemon.Publisher.RetireAsync(copy, CancellationToken.None);
        Assert.Equal(PublishOutcome.Gone, (await daemon.PublishAsync(copy, Sample.Web01)).Outcome);
        Assert.Equal("centos_template.img", store.Names);
    }

    [Theory]
    [InlineData("its template was replaced")]
    [InlineData("it was written to")]
    [InlineData("it has a second name")]
    [InlineData("a file that looks like it has its name")]
    public async Task A_copy_is_thrown_away_rather_than_published_when(string reason)
    {
        var copy = (await daemon.FillAsync(1)).Single();
        switch (reason)
        {
            case "its template was replaced": File.SetLastWriteTimeUtc(store["centos_template.img"], Store.Written.AddTicks(1)); break;
            case "it was written to": await File.AppendAllTextAsync(store["centos_dup_1_ready"], "x"); break;
            case "it has a second name": Assert.True(store.Link("centos_dup_1_ready", "second")); break;
            default: store.Write("alike", content); File.Move(store["alike"], store["centos_dup_1_ready"], overwrite: true); break;
        }

        var expected = reason == "its template was replaced" ? PublishOutcome.Stale : PublishOutcome.Gone;
        Assert.Equal(expected, (await daemon.PublishAsync(copy, Sample.Web01)).Outcome);
        Assert.Equal(reason == "it has a second name" ? "centos_template.img second" : "centos_template.img", store.Names);
        Assert.Empty(store.Private);
    }

    [Fact]
    public async Task A_taken_hostname_stays_whose_it_is_and_the_copy_goes_back()
    {
        store.Write("web01.qcow2", 9);
        var copy = (await daemon.FillAsync(1)).Single();
        var result = await daemon.PublishAsync(copy, Sample.Web01);
        Assert.Equal((PublishOutcome.HostExists, copy), (result.Outcome, result.Returned));
        Assert.Equal("centos_dup_1_ready centos_template.img web01.qcow2", store.Names);
        Assert.Equal([9], store.Read("web01.qcow2"));
        Assert.Empty(store.Private);
        Assert.Equal(PublishOutcome.Published, (await daemon.PublishAsync(result.Returned!, Sample.Web02)).Outcome);
    }

    [Fact]
    public async Task A_claim_becomes_the_disk_or_goes_to_the_pool()
    {
        var claims = await daemon.Engine.MakeAsync(Sample.Centos, 2, _ => default, CancellationToken.None);
        Assert.Equal(PublishOutcome.Published, (await daemon.Publisher.PublishAsync(claims[0], Sample.Web01, null, null, CancellationToken.None)).Outcome);
        var second = await daemon.Publisher.PublishAsync(claims[1], Sample.Web01, null, null, CancellationToken.None);
        Assert.Equal((PublishOutcome.HostExists, 1), (second.Outcome, second.Returned!.Number));
        Assert.Equal("centos_dup_1_ready centos_template.img web01.qcow2", store.Names);
        await daemon.ThreadsAreFreeAsync();
        Assert.All(claims, claim => Assert.True(daemon.RunAsync(session => !session.Private.IsInUse(claim.File.Name)).Result));
    }

    [Fact]
    public async Task A_claim_of_a_template_that_was_replaced_is_thrown_away()
    {
        var claim = (await daemon.Engine.MakeAsync(Sample.Centos, 1, _ => default, CancellationToken.None)).Single();
        File.SetLastWriteTimeUtc(store["centos_template.img"], Store.Written.AddTicks(1));
        Assert.Equal(PublishOutcome.Stale, (await daemon.Publisher.PublishAsync(claim, Sample.Web01, null, null, CancellationToken.None)).Outcome);
        Assert.Equal("centos_template.img", store.Names);
        Assert.Empty(store.Private);
    }

    [Fact]
    public async Task A_copy_that_was_marked_for_one_request_is_nobodys_again_when_it_goes_back()
    {
        var claims = await daemon.Engine.MakeAsync(Sample.Centos, 2, _ => default, CancellationToken.None);
        var mark = new RequestMark("key", "setimage centos web01", DiskSource.Pool);
        await daemon.Publisher.PublishAsync(claims[0], Sample.Web01, null, null, CancellationToken.None);
        var returned = (await daemon.Publisher.PublishAsync(claims[1], Sample.Web01, null, mark, CancellationToken.None)).Returned;
        File.Delete(store["web01.qcow2"]);
        await daemon.PublishAsync(returned!, Sample.Web01);
        Assert.Equal(PublishOutcome.HostExists, (await daemon.Publisher.FindAsync(Sample.Web01, mark, CancellationToken.None))!.Outcome);
    }

    [Fact]
    public async Task The_same_request_sent_again_gets_the_disk_of_the_first_and_no_other_does()
    {
        var mark = new RequestMark("key", "setimage centos web01", DiskSource.Pool);
        Assert.Equal(PublishOutcome.Published, (await PublishAsync(mark)).Outcome);
        var copies = store.Names;
        var again = await PublishAsync(mark with { Source = DiskSource.Copy });
        Assert.Equal((PublishOutcome.Repeated, DiskSource.Pool, "web01.qcow2"), (again.Outcome, again.Source, again.Disk.Text));
        Assert.Equal(PublishOutcome.HostExists, (await PublishAsync(null)).Outcome);
        Assert.Equal(PublishOutcome.HostExists, (await PublishAsync(mark with { Key = "other" })).Outcome);
        Assert.Equal(PublishOutcome.HostExists, (await PublishAsync(mark with { Request = "setimage debian12 web01" })).Outcome);
        Assert.Equal(PublishOutcome.Repeated, (await daemon.Publisher.FindAsync(Sample.Web01, mark, CancellationToken.None))!.Outcome);
        Assert.Equal(PublishOutcome.HostExists, (await daemon.Publisher.FindAsync(Sample.Web01, null, CancellationToken.None))!.Outcome);
        Assert.Equal(copies.Split(' ').Length + 4, store.Names.Split(' ').Length);
        Assert.Empty(store.Private);

        async Task<PublishResult> PublishAsync(RequestMark? asked) => await daemon.Publisher.PublishAsync(
            (await daemon.Publisher.ClaimAsync((await daemon.FillAsync(1)).Single(), CancellationToken.None))!, Sample.Web01, null, asked, CancellationToken.None);
    }

    [Fact]
    public async Task Without_its_template_a_claim_is_not_published_and_goes_back()
    {
        var claim = (await daemon.Publisher.ClaimAsync((await daemon.FillAsync(1)).Single(), CancellationToken.None))!;
        File.Delete(store["centos_template.img"]);
        var refused = await Assert.ThrowsAsync<RefusedException>(() => daemon.Publisher.PublishAsync(claim, Sample.Web01, null, null, CancellationToken.None));
        Assert.Equal(Refusal.ImageNotFound, refused.Reason);
        await daemon.RecoverAsync();
        Assert.Equal("centos_dup_1_ready", store.Names);
    }

    [Fact]
    public async Task A_claim_is_let_go_even_when_its_publishing_never_starts()
    {
        var claim = (await daemon.Engine.MakeAsync(Sample.Centos, 1, _ => default, CancellationToken.None)).Single();
        var gone = new CancellationToken(canceled: true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => daemon.Publisher.AddToPoolAsync(claim, gone));
        Assert.False(await daemon.RunAsync(session => session.Private.IsInUse(claim.File.Name)));
        await daemon.RecoverAsync();
        Assert.Equal("centos_template.img", store.Names);
        Assert.Empty(store.Private);
    }

    [Fact]
    public async Task A_claim_that_others_have_recovered_is_gone()
    {
        await daemon.FillAsync(1);
        var copy = (await daemon.Images.ScanAsync(CancellationToken.None)).Copies.Single();
        var claim = await daemon.Publisher.ClaimAsync(copy, CancellationToken.None);
        Assert.Equal("centos_template.img", store.Names);
        File.Move(store[claim!.File.Name], store["centos_dup_1_ready"]);
        Assert.Equal(PublishOutcome.Gone, (await daemon.Publisher.PublishAsync(claim, Sample.Web01, null, null, CancellationToken.None)).Outcome);
        Assert.Equal("centos_dup_1_ready centos_template.img", store.Names);
    }

    [Fact]
    public async Task A_claim_can_be_retired_or_let_go()
    {
        var claims = new List<Claim>();
        foreach (var copy in await daemon.FillAsync(2))
        {
            claims.Add((await daemon.Publisher.ClaimAsync(copy, CancellationToken.None))!);
        }

        await daemon.Publisher.RetireAsync(claims[0], CancellationToken.None);
        claims[1].Dispose();
        await daemon.RecoverAsync();
        Assert.Equal("centos_dup_1_ready centos_template.img", store.Names);
        Assert.Empty(store.Private);
    }

    [Fact]
    public async Task When_the_session_ends_what_was_claimed_in_it_is_lost()
    {
        var claim = await daemon.Publisher.ClaimAsync((await daemon.FillAsync(1)).Single(), CancellationToken.None);
        await daemon.RunAsync(session =>
        {
            session.Private.Dispose();
            return true;
        });
        Assert.True(claim!.File.IsLost);
    }

    [Fact]
    public async Task Who_leaves_at_any_moment_leaves_a_whole_disk_or_none()
    {
        var random = new Random(7);
        var copy = (await daemon.FillAsync(1)).Single();
        for (var round = 0; round < 150; round++)
        {
            using var gone = new CancellationTokenSource();
            var publishing = daemon.PublishAsync(copy, Sample.Web01, gone.Token);
            for (var spins = random.Next(40_000); spins > 0; spins--)
            {
                Thread.SpinWait(1);
            }

            await gone.CancelAsync();
            var isPublished = await publishing.ContinueWith(task => task.IsCompletedSuccessfully && task.Result.Outcome == PublishOutcome.Published, TaskScheduler.Default);
            await daemon.ThreadsAreFreeAsync();
            await daemon.RecoverAsync();
            Assert.Empty(store.Private);
            Assert.Equal(isPublished, store.Has("web01.qcow2"));
            File.Delete(store["web01.qcow2"]);
            copy = isPublished ? (await daemon.FillAsync(1)).Single() : (await daemon.Images.ScanAsync(CancellationToken.None)).Copies.Single();
        }
    }

    [Fact]
    public async Task Who_has_left_before_the_name_is_given_gets_nothing_and_the_copy_goes_back()
    {
        var copy = (await daemon.FillAsync(1)).Single();
        var claim = await daemon.Publisher.ClaimAsync(copy, CancellationToken.None);
        var result = await daemon.Publisher.PublishAsync(claim!, Sample.Web01, null, new RequestMark("key", "setimage centos web01"), new CancellationToken(canceled: true));
        Assert.Equal((PublishOutcome.Abandoned, copy), (result.Outcome, result.Returned));
        Assert.Equal("centos_dup_1_ready centos_template.img", store.Names);
        Assert.Empty(store.Private);
    }

    [Fact]
    public async Task The_same_request_is_told_of_a_disk_whose_publisher_hangs_before_its_commit()
    {
        var mark = new RequestMark("key", "setimage centos web01", DiskSource.Pool);
        var claim = (await daemon.Publisher.ClaimAsync((await daemon.FillAsync(1)).Single(), CancellationToken.None))!;
        await daemon.Publisher.PublishAsync(claim, Sample.Web01, null, mark, CancellationToken.None);
        Assert.True(store.Link("web01.qcow2", claim.File.Name));
        Assert.Equal(PublishOutcome.Repeated, (await daemon.Publisher.FindAsync(Sample.Web01, mark, CancellationToken.None))!.Outcome);
        Assert.Equal(("centos_template.img web01.qcow2", 1u), (store.Names, store.Stat("web01.qcow2").Links));
        Assert.Empty(store.Private);
    }

    [Fact]
    public async Task The_same_request_is_not_told_of_a_disk_whose_file_may_be_another_daemons()
    {
        var mark = new RequestMark("key", "setimage centos web01", DiskSource.Pool);
        var claim = (await daemon.Publisher.ClaimAsync((await daemon.FillAsync(1)).Single(), CancellationToken.None))!;
        await daemon.Publisher.PublishAsync(claim, Sample.Web01, null, mark, CancellationToken.None);
        Assert.True(store.Link("web01.qcow2", "centos_dup_1_ready"));
        var refused = await Assert.ThrowsAsync<RefusedException>(() => daemon.Publisher.FindAsync(Sample.Web01, mark, CancellationToken.None));
        Assert.Equal(Refusal.StorageUnavailable, refused.Reason);
        await daemon.RunAsync(session => session.Mount.TryUnlink("centos_dup_1_ready"));
        Assert.Equal(PublishOutcome.Repeated, (await daemon.Publisher.FindAsync(Sample.Web01, mark, CancellationToken.None))!.Outcome);
    }

    [Fact]
    public async Task Copies_that_cannot_be_numbered_are_thrown_away()
    {
        var claim = (await daemon.Engine.MakeAsync(Sample.Centos, 1, _ => default, CancellationToken.None)).Single();
        for (var number = 1; number <= 140; number++)
        {
            store.Write($"centos_dup_{number}_ready", 1);
        }

        await Assert.ThrowsAsync<RefusedException>(() => daemon.Publisher.AddToPoolAsync(claim, CancellationToken.None));
        Assert.Empty(store.Private);
        Assert.All(Enumerable.Range(1, 140), number => Assert.Equal([1], store.Read($"centos_dup_{number}_ready")));
    }
}
