using StorageHost.Images.Templates;

namespace StorageHost.Images.Ports;

/// <summary>An image that is read while it is converted.</summary>
internal interface IBlockContent
{
    /// <summary>Its length, in bytes.</summary>
    long Length { get; }

    /// <summary>Fills the buffer from an offset; what lies behind the end is zeros.</summary>
    Task ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken);
}

/// <summary>What is made of it. What was not written is zeros.</summary>
internal interface IBlockTarget : IBlockContent
{
    /// <summary>Writes at an offset, also behind the end.</summary>
    Task WriteAsync(long offset, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>Makes zeros of what lies there.</summary>
    Task ZeroAsync(long offset, long length, CancellationToken cancellationToken);
}

/// <summary>An image, or what it is backed by.</summary>
/// <param name="Format">Its format, which is not guessed again.</param>
/// <param name="Content">What it holds.</param>
internal sealed record ConversionSource(SourceFormat Format, IBlockContent Content);

/// <summary>Makes qcow2 images of others (port; implemented in Qemu).</summary>
internal interface IImageConverter
{
    /// <summary>Makes one whole qcow2 image of an image and those that it is backed by.</summary>
    /// <param name="chain">The image first, then what it is backed by, and so on. All have been looked into.</param>
    /// <param name="target">Is empty; what it throws ends the conversion, and is thrown.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="RefusedException">ImageRejected: the image is broken; StorageTimeout: it took too long; StorageUnavailable: the
    /// program is missing or cannot be confined.</exception>
    Task ConvertAsync(IReadOnlyList<ConversionSource> chain, IBlockTarget target, CancellationToken cancellationToken);
}
