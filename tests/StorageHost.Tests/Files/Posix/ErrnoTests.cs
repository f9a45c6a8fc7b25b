using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images;
using Xunit;

namespace StorageHost.Tests.Files.Posix;

public sealed class ErrnoTests
{
    [Theory]
    [InlineData(Errno.NoFiles, "EMFILE", "the daemon has as many files open as it may (EMFILE)")]
    [InlineData(Errno.NoFilesOnMachine, "ENFILE", "this machine has as many files open as it can (ENFILE)")]
    [InlineData(Errno.NoMemory, "ENOMEM", "this machine has no memory left for the call (ENOMEM)")]
    public void What_this_machine_lacks_says_nothing_of_the_storage(int errno, string name, string message)
    {
        Assert.True(Errno.IsOwn(errno));
        Assert.Equal(name, Errno.Name(errno));
        var refused = StorageFaults.Refuse(new StorageException("open", "web01.qcow2", errno));
        Assert.Equal((Refusal.StorageUnavailable, message), (refused.Reason, refused.Message));
    }

    [Theory]
    [InlineData(Errno.NotConnected)]
    [InlineData(Errno.NoEntry)]
    [InlineData(Errno.InputOutput)]
    public void What_the_storage_says_is_its_own(int errno) => Assert.False(Errno.IsOwn(errno));
}
