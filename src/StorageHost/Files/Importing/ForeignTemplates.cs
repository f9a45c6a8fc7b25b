using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Catalog;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;

namespace StorageHost.Files.Importing;

/// <summary>
/// Makes qcow2 files of templates that come in formats of other programs. Each is looked through before anything else reads it.
/// </summary>
internal sealed class ForeignTemplates(
    VolumeSessions volume, IImageInspector inspector, WholeTemplates whole, IImageConverter converter)
{
    /// <summary>qcow2 files end on a cluster.</summary>
    private const long ClusterBytes = 64 << 10;

    /// <summary>Looks whether a file is in such a format, and whether it may be converted.</summary>
    /// <param name="wanted">What it is to be.</param>
    /// <param name="file">The file.</param>
    /// <param name="length">How long it is; what lies behind is cut off.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The format; null when it is none of these.</returns>
    /// <exception cref="RefusedException">ImageRejected.</exception>
    public async Task<SourceFormat?> FindAsync(NewTemplate wanted, IncomingFile file, long length, CancellationToken cancellationToken)
    {
        var content = await OpenAsync(file, length, cancellationToken);
        try
        {
            var source = await RunAsync("open a template", () => new HeaderSource(content, file.File.Name), cancellationToken);
            if (await RunAsync("inspect a template", () => inspector.FindForeign(source), cancellationToken) is not { } found)
            {
                return null;
            }

            var fault = found.Fault ?? await whole.FindFaultAsync(source, cancellationToken);
            return fault is null ? found.Format : throw TemplatePublisher.Rejected(wanted.Image, fault);
        }
        finally
        {
            volume.Release(content);
        }
    }

    /// <summary>Converts one that was found to be right.</summary>
    /// <param name="wanted">What it is to be.</param>
    /// <param name="format">Its format.</param>
    /// <param name="file">The file.</param>
    /// <param name="length">How long it is.</param>
    /// <param name="made">Becomes the qcow2 file.</param>
    /// <param name="progress">Told how far that is, and waited for before it grows; what it throws ends the conversion.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>How long the qcow2 file is.</returns>
    /// <exception cref="RefusedException">ImageRejected; and what the storage says.</exception>
    public async Task<long> ConvertAsync(
        NewTemplate wanted, SourceFormat format, IncomingFile file, long length, IncomingFile made,
        Func<ImportProgress, ValueTask> progress, CancellationToken cancellationToken)
    {
        var content = await OpenAsync(file, length, cancellationToken);
        try
        {
            var output = new ConversionOutput(volume, made, reached => progress(new ImportProgress(wanted.Length ?? length, reached)));
            var input = new ConversionSource(format, new ConversionInput(volume, content, file.File.Name, length));
            await converter.ConvertAsync([input], output, cancellationToken);
            return (output.Length + ClusterBytes - 1) / ClusterBytes * ClusterBytes;
        }
        catch (RefusedException refusal) when (refusal.Reason == Refusal.ImageRejected)
        {
            throw TemplatePublisher.Rejected(wanted.Image, refusal.Message);
        }
        finally
        {
            volume.Release(content);
        }
    }

    private Task<SafeFileHandle> OpenAsync(IncomingFile file, long length, CancellationToken cancellationToken) => volume.TransferAsync(
        "open a template",
        (VolumeSession session, StorageCall<SafeFileHandle> _) =>
        {
            file.Cut(length);
            return file.Reopen(session);
        },
        cancellationToken);

    private Task<T> RunAsync<T>(string operation, Func<T> work, CancellationToken cancellationToken) =>
        volume.TransferAsync(operation, (VolumeSession _, StorageCall<T> _) => work(), cancellationToken);
}
