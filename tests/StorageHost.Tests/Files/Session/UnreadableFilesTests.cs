using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Moq;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Files.Session;

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

    [Fact]
    public async Task A_file_whose_last_call_has_not_returned_is_left_alone_and_said_once()
    {
        using var threads = new StorageThreads(Options.Create(new StorageOptions { Threads = 4 }), TimeProvider.System, NullLogger<StorageThreads>.Instance);
        using var hang = new ManualResetEventSlim();
        using var gone = new CancellationTokenSource();
        var first = threads.RunAsync("retire", (StorageCall<bool> _) => files.TryUse("web01.qcow2", () => hang.Wait(TimeSpan.FromMinutes(1)), out var _), gone.Token);
        await Eventually.HoldsAsync(() => threads.Busy == 1);

        // While its caller waits, it is slow, and others may try as well.
        Assert.True(Use(errno: 0));
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.False(Use(errno: 0));
        Assert.False(Use(errno: 0));
        Assert.True(files.TryUse("web02.qcow2", () => { }));
        Assert.Equal(1, Logged);
        hang.Set();
        await Eventually.HoldsAsync(() => Use(errno: 0));
    }

    private int Logged => log.Invocations.Count(invocation => invocation.Method.Name == nameof(ILogger.Log));

    private bool Use(int errno) => files.TryUse("web01.qcow2", () => errno == 0 ? 1 : throw new StorageException("openat", "web01.qcow2", errno), out _);
}
