using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Catalog;
using StorageHost.Files.Posix;
using StorageHost.Images;
using StorageHost.Images.Pools;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;

namespace StorageHost.Files.Growing;

/// <summary>
/// Finishes the growth of disks that a loss of power has cut short. A name may be durable before what was written to its file. The private
/// name says which size was asked for, and goes only after an fsync.
/// </summary>
internal sealed partial class UnfinishedGrowth(IImageInspector inspector, IImageGrower grower, ILogger<UnfinishedGrowth> log)
{
    /// <summary>Whether a file shows its guest a disk of that size.</summary>
    public bool HasSize(SafeFileHandle file, string name, int sizeGb) => VirtualBytes(file, name) == (long)sizeGb << 30;

    /// <summary>Whether a copy shows the size that its template had. One that does not was to become a larger disk.</summary>
    public bool HasSizeOfTemplate(SafeFileHandle file, string name) =>
        CopyOrigin.Read(file, name) is not { } origin || VirtualBytes(file, name) == origin.VirtualBytes;

    /// <summary>Makes a disk as large as it was to be, unless a guest has it already.</summary>
    /// <param name="mount">Where.</param>
    /// <param name="file">Its private name, which is still one of its two.</param>
    /// <param name="sizeGb">The size that was asked for.</param>
    public void Finish(DirectoryHandle mount, PrivateFile file, int sizeGb)
    {
        var handle = GrowingFile.OpenedForWriting(mount, file);
        if (HasSize(handle, file.Name, sizeGb))
        {
            return;
        }

        if (!mount.Locks.TryKeepAllOut(handle, file.Name))
        {
            LogInUse(sizeGb);
            return;
        }

        try
        {
            var image = new HeaderSource(handle, file.Name);
            var format = PublishedFormat.IsRaw(handle, file.Name) ? ImageFormat.Raw : ImageFormat.Qcow2;
            GrowthWriter.ApplyDurably(handle, file.Name, grower.Plan(image, format, (long)sizeGb << 30, backingBytes: null));
            LogFinished(sizeGb);
        }
        catch (RefusedException refused)
        {
            LogRefused(sizeGb, refused.Message);
        }
    }

    private long VirtualBytes(SafeFileHandle file, string name)
    {
        var image = new HeaderSource(file, name);
        return PublishedFormat.IsRaw(file, name) ? (image.Length + 511) / 512 * 512 : inspector.Inspect(image).VirtualBytes;
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "A disk of {SizeGb} GiB was cut short while it was published, and is in use already: its size stays the template's")]
    private partial void LogInUse(int sizeGb);

    [LoggerMessage(Level = LogLevel.Information, Message = "A disk that was cut short while it was published has its {SizeGb} GiB now")]
    private partial void LogFinished(int sizeGb);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "A disk of {SizeGb} GiB was cut short while it was published, and its size stays the template's: {Reason}")]
    private partial void LogRefused(int sizeGb, string reason);
}
