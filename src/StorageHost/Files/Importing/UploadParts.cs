using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images.Names;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;

namespace StorageHost.Files.Importing;

/// <summary>An upload whose lock this daemon has.</summary>
/// <param name="Stored">How it stands.</param>
/// <param name="File">Its file, locked.</param>
/// <param name="Part">Its last part, open for direct I/O.</param>
internal sealed record TakenUpload(StoredUpload Stored, SafeFileHandle File, SafeFileHandle Part) : IDisposable
{
    public void Dispose()
    {
        Part.Dispose();
        File.Dispose();
    }
}

/// <summary>What this daemon keeps of uploads from one piece to the next: digests of what has come, and blocks of memory.</summary>
internal sealed class UploadParts(VolumeSessions volume, FileNames names, TemplatePublisher publisher, TimeProvider time)
{
    private readonly ConcurrentDictionary<UploadId, UploadDigest> digests = new();
    private readonly ConcurrentBag<AlignedBuffer> spare = [];

    /// <summary>Begins to continue an upload.</summary>
    public IOpenUpload Begin(TakenUpload taken)
    {
        var status = taken.Stored.Status;
        digests.TryRemove(status.Upload.Id, out var digest);
        if (digest?.Length != status.Offset)
        {
            digest?.Dispose();
            digest = status.Offset == 0 ? new UploadDigest() : null;
        }

        return new OpenUpload(volume, names, publisher, this, taken, digest, spare, time);
    }

    /// <summary>Keeps a digest for whoever continues an upload here.</summary>
    public void Keep(UploadId id, UploadDigest digest)
    {
        if (!digests.TryAdd(id, digest))
        {
            digest.Dispose();
        }
    }

    /// <summary>Forgets the digests of uploads that are gone.</summary>
    public void ForgetAllBut(IEnumerable<UploadId> present)
    {
        foreach (var id in digests.Keys.Except(present))
        {
            if (digests.TryRemove(id, out var digest))
            {
                digest.Dispose();
            }
        }
    }
}

/// <summary>The SHA-256 of the first bytes of an upload.</summary>
internal sealed class UploadDigest : IDisposable
{
    public IncrementalHash Hash { get; } = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Of how many bytes.</summary>
    public long Length { get; set; }

    public void Dispose() => Hash.Dispose();
}
