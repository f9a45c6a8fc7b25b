using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace StorageHost.Cli.Uploading;

/// <summary>The file that is sent.</summary>
internal sealed class LocalImage : IDisposable
{
    public const int BlockBytes = 1 << 20;

    private readonly SafeFileHandle handle;
    private readonly string path;

    /// <summary>Opens it.</summary>
    public LocalImage(string path)
    {
        this.path = path;
        try
        {
            handle = File.OpenHandle(path, options: FileOptions.Asynchronous | FileOptions.SequentialScan);
            Length = RandomAccess.GetLength(handle);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw Unreadable(fault);
        }

        if (Length == 0)
        {
            throw new ClientException(ClientExit.Local, $"{path}: is empty");
        }
    }

    public long Length { get; }

    /// <summary>Reads a block; at the end of the file it is shorter.</summary>
    public async ValueTask<int> ReadAsync(Memory<byte> block, long at, CancellationToken cancellationToken)
    {
        try
        {
            var read = await RandomAccess.ReadAsync(handle, block, at, cancellationToken);
            return read > 0 || at == Length
                ? read
                : throw new ClientException(ClientExit.Local, $"{path}: became shorter while it was read");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(fault);
        }
    }

    /// <summary>The SHA-256 of its content.</summary>
    /// <param name="tell">Is told how many bytes are behind it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<string> DigestAsync(Action<long> tell, CancellationToken cancellationToken)
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var block = new byte[BlockBytes];
        for (var at = 0L; at < Length;)
        {
            var read = await ReadAsync(block, at, cancellationToken);
            digest.AppendData(block, 0, read);
            tell(at += read);
        }

        return Convert.ToHexStringLower(digest.GetHashAndReset());
    }

    public void Dispose() => handle.Dispose();

    private ClientException Unreadable(Exception fault) => new(ClientExit.Local, fault switch
    {
        FileNotFoundException or DirectoryNotFoundException => $"{path}: there is no such file",
        UnauthorizedAccessException => $"{path}: permission denied, or not a file",
        _ => $"{path}: {fault.Message}",
    });
}
