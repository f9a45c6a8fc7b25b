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
    [InlineData(Errno.QuotaExceeded)]
    [InlineData(Errno.NoData)]
    [InlineData(Errno.NoSpace)]
    [InlineData(Errno.NotConnected)]
    public void What_the_storage_will_not_give_is_left_alone_and_said_once(int errno)
    {
        Assert.False(Use(errno));
        Assert.False(Use(errno));
        Assert.Equal(1, Logged);
        Assert.True(Use(errno: 0));
        Assert.False(Use(errno));
        Assert.Equal(2, Logged);
    }

    private int Logged => log.Invocations.Count(invocation => invocation.Method.Name == nameof(ILogger.Log));

    private bool Use(int errno) => files.TryUse("web01.qcow2", () => errno == 0 ? 1 : throw new StorageException("openat", "web01.qcow2", errno), out _);
}
