using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images.Templates;

namespace StorageHost.Files.Importing;

/// <summary>All that has come of an upload, read from its parts, front to back.</summary>
/// <param name="volume">Where they lie.</param>
/// <param name="id">Which upload.</param>
/// <param name="parts">Where each part begins.</param>
/// <param name="length">How long all of it is.</param>
internal sealed class StoredContent(VolumeSessions volume, UploadId id, IReadOnlyList<long> parts, long length) : Stream
{
    private long position;

    // Not the caller's: a read that was given up may go on in its thread, when the caller uses its memory for something else.
    private byte[] own = [];

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => length;

    public override long Position
    {
        get => position;
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var number = parts.Count - 1;
        while (number > 0 && parts[number] > position)
        {
            number--;
        }

        // An empty part may begin where the next one does.
        var (name, from) = (UploadFiles.PartOf(id, number), position - parts[number]);
        var end = number + 1 < parts.Count ? parts[number + 1] : length;
        var wanted = (int)Math.Min(buffer.Length, end - position);
        if (wanted == 0)
        {
            return 0;
        }

        own = own.Length < wanted ? new byte[wanted] : own;
        await volume.TransferAsync(
            "read an upload",
            (VolumeSession session, StorageCall<bool> _) =>
            {
                using var file = session.Mount.Open(name);
                return Blocks.Read(file, name, own.AsSpan(0, wanted), from) == wanted
                    ? true
                    : throw new StorageException("pread", name, Errno.InputOutput);
            },
            cancellationToken);
        own.AsSpan(0, wanted).CopyTo(buffer.Span);
        position += wanted;
        return wanted;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
