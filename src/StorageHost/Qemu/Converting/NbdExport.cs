using StorageHost.Images.Ports;

namespace StorageHost.Qemu.Converting;

/// <summary>What is served over NBD.</summary>
/// <param name="content">What is read.</param>
/// <param name="length">How long it seems to be, in bytes.</param>
internal sealed class NbdExport(IBlockContent content, long length)
{
    /// <summary>How long it seems to be, in bytes.</summary>
    public long Length { get; } = length;

    /// <summary>What is read.</summary>
    public IBlockContent Content { get; } = content;

    /// <summary>What is written to; null when it is only read.</summary>
    public IBlockTarget? Target { get; } = content as IBlockTarget;
}
