using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Names;
using Xunit;

namespace StorageHost.Tests.Files.Session;

/// <summary>The lock as on a Gluster volume: in a directory that cannot say how it distributes, names are locked.</summary>
public sealed class NameLockTests : IDisposable
{
    private static readonly FileName Web01 = new("web01.qcow2");
    private static readonly FileName Web02 = new("web02.qcow2");

    private readonly Store store = new();
    private readonly DirectoryHandle mount;
    private readonly NameLock here;
    private readonly NameLock there;

    public NameLockTests()
    {
        mount = store.Open();
        Directory.CreateDirectory(store[LockFile.PoolFolder]);
        (here, there) = (Open("fuse.glusterfs"), Open("fuse.glusterfs"));
    }

    public void Dispose()
    {
        here.Dispose();
        there.Dispose();
        mount.Dispose();
        store.Dispose();
    }

    [Fact]
    public void A_name_is_given_by_one_daemon_at_a_time()
    {
        using (var right = here.TryTake(Web01))
        {
            Assert.NotNull(right);
            Assert.Null(there.TryTake(Web01));
            using var other = there.TryTake(Web02);
            Assert.NotNull(other);
        }

        using var again = there.TryTake(Web01);
        Assert.NotNull(again);
    }

    [Fact]
    public void A_name_is_given_by_one_request_of_a_daemon_at_a_time()
    {
        using (var right = here.TryTake(Web01))
        {
            Assert.Null(here.TryTake(Web01));
            Assert.Null(there.TryTake(Web01));
        }

        using var again = here.TryTake(Web01);
        Assert.NotNull(again);
    }

    [Fact]
    public void Who_could_not_take_it_takes_nothing_away()
    {
        using var right = here.TryTake(Web01);
        Assert.Null(there.TryTake(Web01));
        Assert.Null(there.TryTake(Web01));
        Assert.Null(here.TryTake(Web01));
    }

    [Fact]
    public void Where_link_decides_nothing_is_locked()
    {
        using var local = Open("xfs");
        using var right = local.TryTake(Web01);
        using var other = local.TryTake(Web01);
        Assert.NotNull(other);
    }

    [Theory]
    [InlineData("xfs", true)]
    [InlineData("fuse.glusterfs", false)]
    public void A_lock_file_that_cannot_be_opened_matters_only_where_names_are_locked(string type, bool isGiven)
    {
        Directory.CreateDirectory(store[$"{LockFile.PoolFolder}/.names"]);
        using var names = Open(type);
        if (isGiven)
        {
            using var right = names.TryTake(Web01);
            Assert.NotNull(right);
        }
        else
        {
            Assert.Equal(Errno.IsDirectory, Assert.Throws<StorageException>(() => names.TryTake(Web01)).Errno);
        }
    }

    [Fact]
    public void After_the_session_no_name_is_locked_any_more()
    {
        here.Dispose();
        Assert.Equal(Refusal.StorageUnavailable, Assert.Throws<RefusedException>(() => here.TryTake(Web01)).Reason);
        using var right = there.TryTake(Web01);
        Assert.NotNull(right);
    }

    private NameLock Open(string type) => new(mount, new MountPoint(type, store.Path, "server:/volume", "0:1"));
}
