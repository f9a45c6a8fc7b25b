using System.Collections.Concurrent;
using StorageHost.Files.Catalog;
using StorageHost.Files.Posix;
using StorageHost.Files.Publishing;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Names;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;

namespace StorageHost.Files.Importing;

/// <summary>
/// Brings templates onto the volume: what comes is written once, under a private name, and looked at when it is all there. Then it
/// gets its name as every file does, by <see cref="LinkProtocol"/>.
/// </summary>
internal sealed class TemplateImporter(
    VolumeSessions volume, FileNames names, FilePermissions permissions, IImageInspector inspector, WholeTemplates whole,
    TemplateReplacement replacement, TimeProvider time)
    : ITemplateImporter
{
    private const string Backed = "it has a backing file; make it one file first (qemu-img convert)";

    private readonly ConcurrentBag<AlignedBuffer> spare = [];

    public async Task<TemplateDetails> ImportAsync(
        NewTemplate wanted, Stream content, Func<long, ValueTask> progress, Func<Task> confirm, CancellationToken cancellationToken)
    {
        var file = await RunAsync("create a template", session => IncomingFile.Create(session, wanted.Image), cancellationToken);
        try
        {
            var (length, sha256) = await new ContentReceiver(volume, content, progress, spare).ReceiveAsync(file, cancellationToken);
            if (wanted.Sha256 is { } expected && expected != sha256)
            {
                throw new RefusedException(
                    Refusal.DigestMismatch,
                    $"what was sent for {wanted.Image} has the SHA-256 {sha256}, not {expected}; nothing was changed");
            }

            var header = await CheckAsync(wanted.Image, file, length, cancellationToken);
            var record = new TemplateRecord(wanted.Source, Now, sha256);
            var stat = await RunAsync("record a template", _ => file.Record(record), cancellationToken);
            await confirm();
            if (!wanted.Replace || !await ReplaceAsync(wanted.Image, file, cancellationToken))
            {
                await PublishAsync(wanted.Image, file, stat, cancellationToken);
            }

            file.Dispose();
            return new TemplateDetails(new Template(wanted.Image, stat.Fingerprint, stat.AllocatedBytes), header, record);
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

    /// <summary>As a record keeps it.</summary>
    private DateTimeOffset Now => DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());

    /// <summary>Makes what came durable, and looks whether it may be served.</summary>
    private async Task<ImageHeader> CheckAsync(ImageName image, IncomingFile file, long length, CancellationToken cancellationToken)
    {
        await RunAsync(
            "make a template durable",
            _ =>
            {
                file.Close(length, permissions);
                return true;
            },
            cancellationToken);
        var content = await RunAsync("open a template", session => file.Reopen(session), cancellationToken);
        try
        {
            var (source, header) = await RunAsync(
                "inspect a template", _ => Inspect(new HeaderSource(content, file.File.Name)), cancellationToken);
            var fault = header.Fault ?? (header.BackingFile is null ? null : Backed)
                ?? await whole.FindFaultAsync(source, cancellationToken);
            return fault is null ? header : throw Rejected(image, fault);
        }
        finally
        {
            volume.Release(content);
        }

        (HeaderSource Source, ImageHeader Header) Inspect(HeaderSource source) => inspector.FindPackaging(source) is { } packed
            ? throw Rejected(image, $"it is {packed}; only qcow2 and raw images are taken")
            : (source, inspector.Inspect(source));
    }

    // Not given up before its deadline: once the name may have been given, nobody must be told that it was not.
    private Task<bool> PublishAsync(ImageName image, IncomingFile file, FileStat state, CancellationToken left) => volume.RunAsync(
        "publish a template",
        (VolumeSession session, StorageCall<bool> call) => LinkProtocol.Publish(
            session,
            file.File,
            names.Template(image),
            () => !call.IsAbandoned && !left.IsCancellationRequested,
            stat => stat.Links == 1 && stat.Fingerprint == state.Fingerprint) switch
        {
            NamingOutcome.Published => true,
            NamingOutcome.Taken => throw new RefusedException(Refusal.ImageExists, $"the template {image} already exists"),
            NamingOutcome.Abandoned => throw new OperationCanceledException(left),
            _ => throw new StorageException("unlink", file.File.Name, Errno.NoEntry),
        },
        CancellationToken.None);

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

    private Task<bool> ReplaceAsync(ImageName image, IncomingFile file, CancellationToken left) => volume.RunAsync(
        "replace a template",
        (VolumeSession session, StorageCall<bool> call) =>
            replacement.TryReplace(session, file.File, image, () => !call.IsAbandoned && !left.IsCancellationRequested),
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

    private static RefusedException Rejected(ImageName image, string fault) =>
        new(Refusal.ImageRejected, $"the template {image} is not taken: {fault}");

    private Task<T> RunAsync<T>(string operation, Func<VolumeSession, T> work, CancellationToken cancellationToken) =>
        volume.TransferAsync(operation, (VolumeSession session, StorageCall<T> _) => work(session), cancellationToken);
}
