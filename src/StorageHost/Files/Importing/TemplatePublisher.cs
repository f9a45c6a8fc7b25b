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
/// Makes a template of a file that is all there, however it came: looks whether it may be served, records where it is from, and gives it
/// its name as every file gets it, by <see cref="LinkProtocol"/>.
/// </summary>
internal sealed class TemplatePublisher(
    VolumeSessions volume, FileNames names, FilePermissions permissions, IImageInspector inspector, WholeTemplates whole,
    ForeignTemplates foreign, TemplateReplacement replacement, TimeProvider time)
{
    private const string Backed = "it has a backing file; make it one file first (qemu-img convert)";

    /// <summary>Publishes a file under its private name.</summary>
    /// <param name="wanted">What it is to be.</param>
    /// <param name="file">The file.</param>
    /// <param name="length">How long it is; what lies behind is cut off.</param>
    /// <param name="sha256">The SHA-256 of its content.</param>
    /// <param name="progress">Told how far a file is that is made of it, and waited for before more is written; what it throws ends
    /// this.</param>
    /// <param name="confirm">Waited for before the name is given; what it throws ends this.</param>
    /// <param name="cancellationToken">Ends it before the name is given.</param>
    /// <exception cref="RefusedException">DigestMismatch; ImageRejected; ImageExists; JobConflict; and what the storage says.</exception>
    public async Task<TemplateDetails> PublishAsync(
        NewTemplate wanted, IncomingFile file, long length, string sha256, Func<ImportProgress, ValueTask> progress, Func<Task> confirm,
        CancellationToken cancellationToken)
    {
        if (wanted.Sha256 is { } expected && expected != sha256)
        {
            throw new RefusedException(
                Refusal.DigestMismatch,
                $"what was sent for {wanted.Image} has the SHA-256 {sha256}, not {expected}; nothing was changed");
        }

        if (await foreign.FindAsync(wanted, file, length, cancellationToken) is not { } format)
        {
            return await PublishAsync(wanted, file, length, sha256, confirm, cancellationToken);
        }

        return await IncomingFiles.WithAsync(
            volume,
            wanted.Image,
            async made =>
            {
                var reached = await foreign.ConvertAsync(wanted, format, file, length, made, progress, cancellationToken);
                var published = await PublishAsync(wanted, made, reached, sha256, confirm, cancellationToken);
                file.IsSpent = true;
                return published;
            },
            cancellationToken,
            isDirect: false);
    }

    /// <summary>The same for a file that is in a format which is served, or in none that is known.</summary>
    private async Task<TemplateDetails> PublishAsync(
        NewTemplate wanted, IncomingFile file, long length, string sha256, Func<Task> confirm, CancellationToken cancellationToken)
    {
        var header = await CheckAsync(wanted, file, length, cancellationToken);
        var record = new TemplateRecord(wanted.Source, Now, sha256);
        var stat = await RunAsync("record a template", _ => file.Record(record), cancellationToken);
        await confirm();
        if (!wanted.Replace || !await ReplaceAsync(wanted.Image, file, cancellationToken))
        {
            await PublishAsync(wanted.Image, file, stat, cancellationToken);
        }

        return new TemplateDetails(new Template(wanted.Image, stat.Fingerprint, stat.AllocatedBytes), header, record);
    }

    /// <summary>As a record keeps it.</summary>
    private DateTimeOffset Now => DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());

    /// <summary>Makes what came durable, and looks whether it may be served.</summary>
    private async Task<ImageHeader> CheckAsync(
        NewTemplate wanted, IncomingFile file, long length, CancellationToken cancellationToken)
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
            var fault = header.Fault ?? (header.BackingFile is null ? null : Backed) ?? OtherFormat(wanted, header)
                ?? await whole.FindFaultAsync(source, cancellationToken);
            return fault is null ? header : throw Rejected(wanted.Image, fault);
        }
        finally
        {
            volume.Release(content);
        }

        (HeaderSource Source, ImageHeader Header) Inspect(HeaderSource source) => inspector.FindPackaging(source) is { } packed
            ? throw Rejected(wanted.Image, $"it is {packed}; only qcow2 and raw images are taken")
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

    private Task<bool> ReplaceAsync(ImageName image, IncomingFile file, CancellationToken left) => volume.RunAsync(
        "replace a template",
        (VolumeSession session, StorageCall<bool> call) =>
            replacement.TryReplace(session, file.File, image, () => !call.IsAbandoned && !left.IsCancellationRequested),
        CancellationToken.None);

    private static string? OtherFormat(NewTemplate wanted, ImageHeader header) =>
        wanted.Format is { } said && said != header.Format
            ? $"it is {Word(header.Format)}, not {Word(said)} as was said"
            : null;

    private static string Word(ImageFormat format) => format == ImageFormat.Raw ? "raw" : "qcow2";

    /// <summary>The refusal of a template for what was found in it.</summary>
    internal static RefusedException Rejected(ImageName image, string fault) =>
        new(Refusal.ImageRejected, $"the template {image} is not taken: {fault}");

    private Task<T> RunAsync<T>(string operation, Func<VolumeSession, T> work, CancellationToken cancellationToken) =>
        volume.TransferAsync(operation, (VolumeSession session, StorageCall<T> _) => work(session), cancellationToken);
}
