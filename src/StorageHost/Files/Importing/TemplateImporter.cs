using System.Collections.Concurrent;
using System.Security.Cryptography;
using StorageHost.Files.Catalog;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Names;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;

namespace StorageHost.Files.Importing;

/// <summary>
/// Brings templates onto the volume: what comes is written once, under a private name, and published when it is all there.
/// </summary>
internal sealed class TemplateImporter(
    VolumeSessions volume, FileNames names, IImageInspector inspector, TemplatePublisher publisher, TemplateReplacement replacement)
    : ITemplateImporter
{
    private readonly ConcurrentBag<AlignedBuffer> spare = [];

    public async Task<TemplateDetails> ImportAsync(
        NewTemplate wanted, Stream content, Func<long, ValueTask> progress, Func<Task> confirm, CancellationToken cancellationToken)
    {
        var file = await RunAsync("create a template", session => IncomingFile.Create(session, wanted.Image), cancellationToken);
        try
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var receiver = new ContentReceiver(volume, content, progress, spare);
            await receiver.ReceiveAsync(file, 0, hash, null, cancellationToken);
            var sha256 = Convert.ToHexStringLower(hash.GetHashAndReset());
            var made = await publisher.PublishAsync(wanted, file, receiver.Written, sha256, confirm, cancellationToken);
            file.Dispose();
            return made;
        }
        catch (RefusedException refusal) when (refusal.Reason is Refusal.StorageTimeout or Refusal.StorageUnavailable)
        {
            // Whoever sent it has waited for the storage already.
            _ = DiscardAsync(file);
            throw;
        }
        catch
        {
            await DiscardAsync(file);
            throw;
        }
    }

    public Task<TemplateDetails> RollbackAsync(ImageName image, CancellationToken cancellationToken) =>
        volume.RunAsync(
            "bring a version back",
            (VolumeSession session, StorageCall<TemplateDetails> call) =>
            {
                using var file = replacement.Rollback(
                    session, image, () => !call.IsAbandoned && !cancellationToken.IsCancellationRequested);
                var name = names.Template(image).Text;
                var stat = DirectoryHandle.Stat(file, name);
                var header = inspector.Inspect(new HeaderSource(file, name));
                return new TemplateDetails(
                    new Template(image, stat.Fingerprint, stat.AllocatedBytes), header, TemplateRecords.Read(file, name, stat.Fingerprint));
            },
            CancellationToken.None);

    private async Task DiscardAsync(IncomingFile file)
    {
        try
        {
            // The sender may be gone by now; what it leaves is removed all the same.
            await RunAsync("discard a template", session => session.Mount.TryUnlink(file.File.Name), CancellationToken.None);
        }
        catch (RefusedException)
        {
            // Recovery sweeps it when the storage answers again.
        }
        finally
        {
            file.Dispose();
        }
    }

    private Task<T> RunAsync<T>(string operation, Func<VolumeSession, T> work, CancellationToken cancellationToken) =>
        volume.TransferAsync(operation, (VolumeSession session, StorageCall<T> _) => work(session), cancellationToken);
}
