using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using Xunit;

namespace StorageHost.Tests.Files.Session;

public sealed class PrivateDirectoryTests : IDisposable
{
    private readonly Store store = new();
    private readonly DirectoryHandle mount;
    private readonly PrivateDirectory directory;

    public PrivateDirectoryTests()
    {
        mount = store.Open();
        directory = PrivateDirectory.Create(mount, file => file.Dispose());
    }

    public void Dispose()
    {
        directory.Dispose();
        mount.Dispose();
        store.Dispose();
    }

    [Fact]
    public void It_is_made_with_a_lock_that_is_held()
    {
        Assert.Matches("^\\.storagehost/[0-9a-f]{32}\\z", directory.Name);
        Assert.Null(LockFile.TryAcquire(mount, $"{directory.Name}/lock"));
        Assert.True(directory.IsAlive(mount));
    }

    [Fact]
    public void Each_daemon_has_its_own()
    {
        using var other = PrivateDirectory.Create(mount, file => file.Dispose());
        Assert.False(other.Name == directory.Name);
        Assert.True(other.IsAlive(mount) && directory.IsAlive(mount));
    }

    [Fact]
    public void It_is_dead_when_the_lock_was_given_up()
    {
        directory.Dispose();
        Assert.False(directory.IsAlive(mount));
    }

    [Fact]
    public void It_is_dead_when_its_lock_was_removed_or_replaced()
    {
        mount.TryUnlink($"{directory.Name}/lock");
        Assert.False(directory.IsAlive(mount));
        using var thief = LockFile.TryAcquire(mount, $"{directory.Name}/lock");
        Assert.False(directory.IsAlive(mount));
    }

    [Fact]
    public void A_private_name_is_used_once_and_in_use_until_it_is_let_go()
    {
        var claim = directory.NewFile(PrivateKind.Claim, "centos-stream");
        var making = directory.NewFile(PrivateKind.Making);
        Assert.Equal(($"{directory.Name}/claim-1-centos-stream", $"{directory.Name}/making/2-"), (claim.Name, making.Name));
        Assert.True(directory.IsInUse(claim.Name));
        claim.Dispose();
        Assert.False(directory.IsInUse(claim.Name));
        Assert.True(directory.IsInUse(making.Name));
    }

    [Theory]
    [InlineData("claim-7-centos", "centos")]
    [InlineData("claim-7-centos-stream-9", "centos-stream-9")]
    [InlineData("claim-7-", null)]
    [InlineData("claim-7", null)]
    [InlineData("claim", null)]
    [InlineData("making", null)]
    [InlineData("claims-7-centos", null)]
    [InlineData("lock", null)]
    public void The_name_of_a_claim_says_whose_copy_it_is(string name, string? image) => Assert.Equal(image, PrivateNames.ClaimedImage(name));

    [Fact]
    public void It_is_removed_only_when_nothing_is_left_in_it()
    {
        var file = directory.NewFile(PrivateKind.Making);
        store.Write(file.Name, 1);
        Assert.False(directory.TryRemove(mount));
        Assert.True(directory.IsAlive(mount));
        mount.TryUnlink(file.Name);
        Assert.True(directory.TryRemove(mount));
        Assert.False(Directory.Exists(store[directory.Name]));
    }
}
