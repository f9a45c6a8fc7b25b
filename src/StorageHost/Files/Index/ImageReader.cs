using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Catalog;
using StorageHost.Files.Posix;
using StorageHost.Images.Names;
using StorageHost.Images.Templates;
using StorageHost.ImageStorages;

namespace StorageHost.Files.Index;

/// <summary>Reads what the index keeps of one image file.</summary>
internal sealed class ImageReader(FileNames names, IImageInspector inspector, TemplateFile templates)
{
    /// <summary>Whether a file of that name is a template, a ready copy or a disk.</summary>
    public bool IsImage(string name) => names.Classify(name) is not (null or LeftoverEntry or PrivateEntry);

    /// <summary>Whether a file of that name is a virtual machine's.</summary>
    public bool IsDisk(string name) => names.Classify(name) is SystemDiskEntry or DataDiskEntry;

    /// <summary>Opens a regular file and reads its header.</summary>
    /// <param name="mount">The directory.</param>
    /// <param name="path">The directory's full path, as backing files would name it.</param>
    /// <param name="name">The file's name, of an image.</param>
    /// <returns>Null when it does not exist any more.</returns>
    /// <exception cref="StorageException">It cannot be read now.</exception>
    public IndexedFile? Read(DirectoryHandle mount, string path, string name)
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
        return new IndexedFile(name, stat.Fingerprint, Describe(name, path, header))
        {
            Template = names.Classify(name) is TemplateEntry entry
                ? new TemplateDetails(
                    new Template(entry.Image, stat.Fingerprint, stat.AllocatedBytes), header,
                    TemplateRecords.Read(file, name, stat.Fingerprint))
                : null,
        };
    }

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
