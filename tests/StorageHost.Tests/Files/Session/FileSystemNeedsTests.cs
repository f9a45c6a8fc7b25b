using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images;
using Xunit;

namespace StorageHost.Tests.Files.Session;

public sealed class FileSystemNeedsTests : IDisposable
{
    private readonly Store store = new();

    public void Dispose() => store.Dispose();

    [Theory]
    [InlineData(Errno.NotPermitted, "EPERM")]
    [InlineData(Errno.Invalid, "EINVAL")]
    [InlineData(Errno.TooManyNames, "EMLINK")]
    [InlineData(Errno.NoSystemCall, "ENOSYS")]
    [InlineData(Errno.NotSupported, "EOPNOTSUPP")]
    public void What_a_file_system_lacks_is_named(int errno, string text)
    {
        var refused = Assert.Throws<RefusedException>(() => FileSystemNeeds.Try<bool>("hard links", () => throw new StorageException("link", "a", errno)));
        Assert.Equal(Refusal.StorageUnavailable, refused.Reason);
        Assert.Contains($"has no hard links (link: {text})", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Errno.InputOutput)]
    [InlineData(Errno.NotConnected)]
    [InlineData(Errno.NoSpace)]
    public void Another_failure_says_nothing_about_the_file_system(int errno) =>
        Assert.Throws<StorageException>(() => FileSystemNeeds.Try<bool>("hard links", () => throw new StorageException("link", "a", errno)));

    [Fact]
    public void Where_everything_is_there_nothing_is_left_of_the_trial()
    {
        using var mount = store.Open();
        mount.MakeDirectory("own");
        using var held = FileSystemNeeds.TryLock(mount, $"own/{PrivateDirectory.LockName}");
        FileSystemNeeds.Require(mount, "own", held!);
        Assert.Equal([PrivateDirectory.LockName], mount.List("own"));
        Assert.Equal(1u, DirectoryHandle.Stat(held!, "own").Links);
    }
}
