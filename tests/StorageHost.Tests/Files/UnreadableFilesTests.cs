using Microsoft.Extensions.Logging;
using Moq;
using StorageHost.Files;
using Xunit;

namespace StorageHost.Tests.Files;

public sealed class UnreadableFilesTests
{
    private readonly Mock<ILogger<UnreadableFiles>> log = new();
    private readonly UnreadableFiles files;

    public UnreadableFilesTests()
    {
        log.Setup(logger => logger.IsEnabled(LogLevel.Error)).Returns(true);
        files = new UnreadableFiles(log.Object);
    }

    [Theory]
    [InlineData(Errno.InputOutput)]
    [InlineData(Errno.Access)]
    [InlineData(Errno.NotPermitted)]
    [InlineData(Errno.Busy)]
    [InlineData(Errno.IsDirectory)]
    [InlineData(Errno.NotEmpty)]
    public void What_the_storage_will_not_give_is_left_alone_and_said_once(int errno)
    {
        Assert.False(Use(errno));
        Assert.False(Use(errno));
        Assert.Equal(1, Logged);
        Assert.True(Use(errno: 0));
        Assert.False(Use(errno));
        Assert.Equal(2, Logged);
    }

    [Theory]
    [InlineData(Errno.NotConnected)]
    [InlineData(Errno.Stale)]
    [InlineData(Errno.NoSpace)]
    public void What_ails_the_whole_volume_is_no_matter_of_one_file(int errno)
    {
        Assert.Equal(errno, Assert.Throws<StorageException>(() => Use(errno)).Errno);
        Assert.Equal(0, Logged);
    }

    private int Logged => log.Invocations.Count(invocation => invocation.Method.Name == nameof(ILogger.Log));

    private bool Use(int errno) => files.TryUse("web01.qcow2", () => errno == 0 ? 1 : throw new StorageException("openat", "web01.qcow2", errno), out _);
}
