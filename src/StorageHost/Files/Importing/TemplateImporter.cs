using System.Collections.Concurrent;
using System.Security.Cryptography;
using StorageHost.Files.Catalog;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Files.Unwrapping;
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

    public Task<TemplateDetails> ImportAsync(
        NewTemplate wanted, Stream content, Func<ImportProgress, ValueTask> progress, Func<Task> confirm,
        CancellationToken cancellationToken) =>
        IncomingFiles.WithAsync(
            volume,
            wanted.Image,
            async file =>
            {
                using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
                await using var sent = await SentContent.OpenAsync(content, hash, cancellationToken);
                var receiver = new ContentReceiver(volume, sent, written => progress(Progress(sent, written)), spare);
                await receiver.ReceiveAsync(file, 0, sent.IsWrapped ? null : hash, null, cancellationToken);
                var sha256 = Convert.ToHexStringLower(hash.GetHashAndReset());
                return await publisher.PublishAsync(wanted, file, receiver.Written, sha256, progress, confirm, cancellationToken);
            },
            cancellationToken);

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

    private static ImportProgress Progress(SentContent sent, long written) =>
        sent.IsWrapped ? new ImportProgress(sent.Received, written) : new ImportProgress(written);
}
