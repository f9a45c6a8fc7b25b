using StorageHost.Images.Templates;

namespace StorageHost.Qemu;

/// <summary>The beginning of an image, read at once, and single reads behind it.</summary>
internal readonly ref struct HeaderWindow(IHeaderSource source, ReadOnlySpan<byte> head)
{
    /// <summary>The first bytes; fewer than were asked for when the file is that short.</summary>
    public ReadOnlySpan<byte> Head { get; } = head;

    /// <summary>The file's length in bytes.</summary>
    public long Length { get; } = source.Length;

    /// <summary>Fills the buffer from the offset; false when the file does not reach that far (or the offset is negative).</summary>
    public bool TryRead(long offset, Span<byte> buffer)
    {
        // Not left to the source: the kernel calls an offset near 2^63 an error, not the end of the file.
        if (offset < 0 || offset > Length - buffer.Length)
        {
            return false;
        }

        if (offset > Head.Length - buffer.Length)
        {
            return source.Read(offset, buffer) == buffer.Length;
        }

        Head.Slice((int)offset, buffer.Length).CopyTo(buffer);
        return true;
    }
}
