using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images.Ports;

namespace StorageHost.Files.Importing;

/// <summary>A file of the volume that is read while it is converted.</summary>
/// <param name="volume">Where it lies.</param>
/// <param name="file">The file, open.</param>
/// <param name="name">Its name, for failures.</param>
/// <param name="length">Its length.</param>
internal sealed class ConversionInput(VolumeSessions volume, SafeFileHandle file, string name, long length) : IBlockContent
{
    public long Length => length;

    public Task ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken) => volume.TransferAsync(
        "read an image to convert it",
        (VolumeSession _, StorageCall<bool> _) =>
        {
            var read = Blocks.Read(file, name, buffer.Span, offset);
            buffer.Span[read..].Clear();

            // Read once and not again soon: the page cache is for the virtual machines.
            _ = Syscalls.Advise(file, offset, read, Syscalls.AdviseDontNeed);
            return true;
        },
        cancellationToken);
}

/// <summary>The file that an image is converted into. It is written as the program likes, so through the page cache.</summary>
/// <param name="volume">Where it lies.</param>
/// <param name="file">The file.</param>
/// <param name="progress">Told how long it is to become, and waited for before it does.</param>
internal sealed class ConversionOutput(VolumeSessions volume, IncomingFile file, Func<long, ValueTask> progress) : IBlockTarget
{
    /// <summary>After so many bytes the storage is made to write: so an fsync of a claim never waits for much.</summary>
    private const long SyncStep = 16 << 20;

    /// <summary>What is zeroed at a time where something was before.</summary>
    private const int ZeroBytes = 1 << 20;

    private static readonly byte[] Zeros = new byte[ZeroBytes];

    private long unsynced;

    /// <summary>How far it reaches.</summary>
    public long Length { get; private set; }

    public Task ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken) => RunAsync(
        () => buffer.Span[file.ReadAny(offset, buffer.Span)..].Clear(), cancellationToken);

    public async Task WriteAsync(long offset, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        await GrowAsync(offset + bytes.Length);
        unsynced += bytes.Length;
        var isTime = unsynced >= SyncStep;
        unsynced = isTime ? 0 : unsynced;
        await RunAsync(
            () =>
            {
                file.WriteAny(offset, bytes.Span);
                if (isTime)
                {
                    file.Flush();
                }
            },
            cancellationToken);
    }

    public async Task ZeroAsync(long offset, long length, CancellationToken cancellationToken)
    {
        // Behind the end there is nothing but zeros, and a file that is made longer has a hole there.
        var before = Length;
        await GrowAsync(offset + length);
        for (var at = offset; at < Math.Min(before, offset + length); at += ZeroBytes)
        {
            var zeroed = (int)Math.Min(ZeroBytes, Math.Min(before, offset + length) - at);
            await WriteAsync(at, Zeros.AsMemory(0, zeroed), cancellationToken);
        }
    }

    private async Task GrowAsync(long length)
    {
        if (length > Length)
        {
            await progress(length);
            Length = length;
        }
    }

    private Task<bool> RunAsync(Action work, CancellationToken cancellationToken) => volume.TransferAsync(
        "write a converted image",
        (VolumeSession _, StorageCall<bool> _) =>
        {
            work();
            return true;
        },
        cancellationToken);
}
