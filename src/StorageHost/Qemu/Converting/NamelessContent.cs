using StorageHost.Images.Ports;

namespace StorageHost.Qemu.Converting;

/// <summary>
/// A qcow2 image whose header seems to name no backing file: QEMU takes the one that it is given only then, and sees no name that it could
/// open.
/// </summary>
internal sealed class NamelessContent(IBlockContent content) : IBlockContent
{
    /// <summary>Where the header says where the name is, and how long.</summary>
    private const int NameStart = 8;
    private const int NameEnd = 20;

    public long Length => content.Length;

    public async Task ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        await content.ReadAsync(offset, buffer, cancellationToken);
        if (offset < NameEnd)
        {
            var start = (int)Math.Max(0, NameStart - offset);
            var end = (int)Math.Min(buffer.Length, NameEnd - offset);
            if (start < end)
            {
                buffer.Span[start..end].Clear();
            }
        }
    }
}
