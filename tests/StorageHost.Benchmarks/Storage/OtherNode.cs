using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images.Names;
using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.Benchmarks.Storage;

/// <summary>
/// Holds an image's pool lock, as a daemon on another node that fills the pool would: so the daemon that is measured does nothing but
/// answer, and its hits can be compared with system calls that nothing else competes with.
/// </summary>
internal sealed class OtherNode : IDisposable
{
    private readonly DirectoryHandle mount;
    private readonly SafeFileHandle held;

    private OtherNode(DirectoryHandle mount, SafeFileHandle held) => (this.mount, this.held) = (mount, held);

    public static async Task<OtherNode> HoldsAsync(StorageArea area, string image)
    {
        var directory = new DirectoryHandle(DirectoryHandle.OpenDirectory(area.Seen()));
        new FileNames("_template.img").ParseImage(image, out var name);
        return new OtherNode(directory, await Wait.ForAsync($"the pool of {image} to be let go", () => Task.FromResult(LockFile.TryAcquire(directory, LockFile.OfPool(name)))));
    }

    public void Dispose()
    {
        held.Dispose();
        mount.Dispose();
    }
}
