using System.Collections.Concurrent;
using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Catalog;
using StorageHost.Files.Posix;
using StorageHost.Images.Disks;
using StorageHost.Images.Names;
using StorageHost.Images.Templates;
using StorageHost.ImageStorages;

namespace StorageHost.Files.Index;

/// <summary>Reads what the index keeps of one image file.</summary>
internal sealed class ImageReader(FileNames names, IImageInspector inspector, TemplateFile templates)
{
    /// <summary>Of more images each disk keeps its own name.</summary>
    private const int MostImages = 1000;

    private readonly ConcurrentDictionary<string, string> images = new(StringComparer.Ordinal);

    /// <summary>Whether a file of that name is a template, a ready copy or a disk.</summary>
    public bool IsImage(string name) => names.Classify(name) is not (null or LeftoverEntry or PrivateEntry);

    /// <summary>Whether a file of that name is a virtual machine's.</summary>
    public bool IsDisk(string name) => names.Classify(name) is SystemDiskEntry or DataDiskEntry;

    /// <summary>Opens a regular file and reads its header.</summary>
    /// <param name="mount">The directory.</param>
    /// <param name="path">The directory's full path, as backing files would name it.</param>
    /// <param name="name">The file's name, of an image.</param>
    /// <param name="known">What was read before; null when nothing was.</param>
    /// <returns>Null when it does not exist any more.</returns>
    /// <exception cref="StorageException">It cannot be read now.</exception>
    public IndexedFile? Read(DirectoryHandle mount, string path, string name, IndexedFile? known = null)
    {
        using var file = mount.TryOpen(name);
        if (file is null)
        {
            return null;
        }

        // Asked again, since it may be another file by now than the one that was listed.
        var stat = DirectoryHandle.Stat(file, name);
        if (!stat.IsRegular)
        {
            return new IndexedFile(name, stat.Fingerprint, null);
        }

        var header = Inspect(file, name, stat);
        var image = Describe(name, path, header);
        return new IndexedFile(name, stat.Fingerprint, image)
        {
            Disk = names.Classify(name) switch
            {
                SystemDiskEntry => DiskOf(DiskKind.System),
                DataDiskEntry => DiskOf(DiskKind.Data),
                _ => null,
            },
            Template = names.Classify(name) is TemplateEntry entry
                ? new TemplateDetails(
                    new Template(entry.Image, stat.Fingerprint, stat.AllocatedBytes), header,
                    TemplateRecords.Read(file, name, stat.Fingerprint))
                : null,
        };

        // How it came to be stays on a file, so a guest that writes costs no look at that.
        DiskInfo DiskOf(DiskKind kind) => new(
            name, image.GuestId, kind, header.Format, image.VirtualBytes, stat.AllocatedBytes, image.Template,
            known is { Disk: { } before } && known.Fingerprint.Inode == stat.Inode ? before.Origin : OriginOf(file, name));
    }

    private DiskOrigin OriginOf(SafeFileHandle file, string name)
    {
        var origin = CopyOrigin.Read(file, name);
        var madeFrom = CopyRecord.Read(file, name)?.Template;
        return origin is null && madeFrom is null ? DiskOrigin.Unknown : new DiskOrigin(
            origin is { Image.Length: > 0 } ? Shared(origin.Image) : null, madeFrom, origin?.CreatedMs);
    }

    /// <summary>The same text for all disks of an image: there may be very many of them.</summary>
    private string Shared(string image) =>
        images.Count < MostImages ? images.GetOrAdd(image, image) : images.GetValueOrDefault(image, image);

    /// <summary>What looks like a backing file in a disk that was published raw is something that its guest wrote there.</summary>
    private ImageHeader Inspect(SafeFileHandle file, string name, FileStat stat)
    {
        var header = inspector.Inspect(new HeaderSource(file, name));
        return header.BackingFile is not null && names.Classify(name) is SystemDiskEntry && PublishedFormat.IsRaw(file, name)
            ? new ImageHeader(ImageFormat.Raw, stat.Fingerprint.Size, BackingFile: null, Fault: null)
            : header;
    }

    private IndexedImage Describe(string name, string path, ImageHeader header)
    {
        var (image, guest) = names.Classify(name) switch
        {
            TemplateEntry template => (template.Image.Text, ""),
            SystemDiskEntry disk => (disk.Hostname.Text, disk.Hostname.Text),
            DataDiskEntry disk => (name, disk.Hostname.Text),
            _ => (name, ""),
        };

        // A qcow2 header that is broken elsewhere still says what a guest would see. Of a format that we do not read nobody here
        // knows the size: then it is 0, rather than the length of a compressed file.
        var size = header is { Format: ImageFormat.Raw, Fault: not null } ? 0 : header.VirtualBytes;
        var backing = header.BackingFile is { } file ? templates.BackingTemplate(path, file) ?? templates.BackingTemplate(file) : null;
        return new IndexedImage(name, image, guest, size, backing?.Text);
    }
}
