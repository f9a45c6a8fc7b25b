using StorageHost.Images.Pools;
using StorageHost.Tests.Support;
using Xunit;
using static StorageHost.Tests.Images.Sample;

namespace StorageHost.Tests.Images.Pools;

/// <summary>How a pool takes up what a scan found, when it was changed while the scan read.</summary>
public sealed class PoolScanTests
{
    private readonly Pool pool = new(Centos);

    [Fact]
    public void The_index_becomes_what_was_found()
    {
        pool.Put(Copy(1));
        pool.SetWanted(9);
        pool.BeginScan();
        pool.EndScan(Template(), [Copy(2), Copy(3)], 0, 4);
        Assert.Equal((2, 4, Template()), (pool.Ready, pool.Wanted, pool.Template));
        Assert.Equal([2, 3], new[] { pool.Take()!.Number, pool.Take()!.Number }.Order());
    }

    [Fact]
    public void What_was_added_while_it_read_is_kept()
    {
        pool.Put(Copy(1));
        pool.BeginScan();
        pool.Put(Copy(2));
        pool.EndScan(Template(), [], 0, 0);
        Assert.Equal((1, Copy(2)), (pool.Ready, pool.Take()));
    }

    [Fact]
    public void What_was_added_while_it_read_is_newer_than_what_it_saw_under_that_number()
    {
        var added = Copy(1, New) with { Inode = 999 };
        pool.BeginScan();
        pool.Put(added);
        pool.EndScan(Template(), [Copy(1)], 0, 0);
        Assert.Equal((1, added), (pool.Ready, pool.Take()));
    }

    [Fact]
    public void What_was_added_and_taken_while_it_read_is_not_brought_back()
    {
        pool.BeginScan();
        pool.Put(Copy(1));
        pool.Take();
        pool.EndScan(Template(), [], 0, 0);
        Assert.Equal(0, pool.Ready);
    }

    [Fact]
    public void What_was_added_before_the_next_scan_is_not_kept_by_it()
    {
        pool.BeginScan();
        pool.Put(Copy(1));
        pool.EndScan(Template(), [], 0, 0);
        pool.BeginScan();
        pool.EndScan(Template(), [], 0, 0);
        Assert.Equal(0, pool.Ready);
    }

    [Fact]
    public void A_level_that_was_set_while_it_read_stands()
    {
        pool.BeginScan();
        pool.SetWanted(5);
        pool.EndScan(Template(), [], 0, 2);
        Assert.Equal(5, pool.Wanted);
        pool.BeginScan();
        pool.EndScan(Template(), [], 0, 2);
        Assert.Equal(2, pool.Wanted);
    }

    [Fact]
    public async Task As_many_who_wait_are_woken_as_copies_were_found()
    {
        var waits = Enumerable.Range(0, 3).Select(_ => pool.TakeOrWait(CancellationToken.None).Next!).ToArray();
        pool.BeginScan();
        pool.EndScan(Template(), [Copy(1), Copy(2)], 0, 0);
        Assert.All(await Eventually.EndsAsync(Task.WhenAll(waits[..2])), Assert.Null);
        Assert.False(waits[2].IsCompleted);
        Assert.Equal(1, pool.Waiting);
    }
}
