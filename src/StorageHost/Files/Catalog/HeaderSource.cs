using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Posix;
using StorageHost.Images.Templates;

namespace StorageHost.Files.Catalog;

/// <summary>Lets the inspector read an open image.</summary>
internal sealed class HeaderSource(SafeFileHandle file, string name) : IHeaderSource
{
    public long Length { get; } = DirectoryHandle.Stat(file, name).Fingerprint.Size;

    public int Read(long offset, Span<byte> buffer) => Blocks.Read(file, name, buffer, offset);
}
