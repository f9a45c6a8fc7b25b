using System.Net;

namespace StorageHost.Cli.Uploading;

/// <summary>What is left of a file, as the body of a request.</summary>
/// <param name="image">The file.</param>
/// <param name="offset">Where the piece begins.</param>
/// <param name="sent">Is told how far it is after each block.</param>
internal sealed class PieceContent(LocalImage image, long offset, Action<long> sent) : HttpContent
{
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        var block = new byte[LocalImage.BlockBytes];
        for (var at = offset; at < image.Length;)
        {
            var length = (int)Math.Min(block.Length, image.Length - at);
            var read = await image.ReadAsync(block.AsMemory(0, length), at, cancellationToken);
            await stream.WriteAsync(block.AsMemory(0, read), cancellationToken);
            sent(at += read);
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = image.Length - offset;
        return true;
    }
}
