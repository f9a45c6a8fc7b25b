using System.Text.RegularExpressions;
using Microsoft.Win32.SafeHandles;
using StorageHost.Images;

namespace StorageHost.Files;

/// <summary>Finds and opens templates, and keeps hostile ones away from everything behind it.</summary>
internal sealed class TemplateFile(FileNames names, IImageInspector inspector, StorageVolume volume)
{
    /// <summary>Looks at a template; null when it does not exist.</summary>
    public Template? TryFind(Mount mount, ImageName image) =>
        mount.TryStat(names.Template(image).Text, out var stat) ? new Template(image, stat.Fingerprint, stat.AllocatedBytes) : null;

    /// <summary>Looks at a template.</summary>
    /// <exception cref="RefusedException">ImageNotFound.</exception>
    public Template Find(Mount mount, ImageName image) => TryFind(mount, image) ?? throw NotFound(image);

    /// <summary>Opens a template whose header has passed the inspection.</summary>
    /// <exception cref="RefusedException">ImageNotFound; ImageRejected.</exception>
    public SafeFileHandle Open(Mount mount, ImageName image, out Template template)
    {
        var name = names.Template(image).Text;
        if (!mount.TryStat(name, out var listed))
        {
            throw NotFound(image);
        }

        // Opening a device or a pipe may already do something: so only after lstat, and the open file is asked again.
        var file = listed.IsRegular ? mount.Open(name) : throw Rejected(image, "it is not a regular file");
        try
        {
            var stat = Mount.Stat(file, name);
            if (!stat.IsRegular)
            {
                throw Rejected(image, "it is not a regular file");
            }

            var header = inspector.Inspect(new HeaderSource(file, name));
            if (header.Fault is { } fault)
            {
                throw Rejected(image, fault);
            }

            if (header.BackingFile is { } backing && (BackingTemplate(backing) is not { } parent || TryFind(mount, parent) is null))
            {
                throw Rejected(image, "its backing file is not one of the templates");
            }

            template = new Template(image, stat.Fingerprint, stat.AllocatedBytes);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The template that a backing file name leads to from the served directory; null when it leads anywhere else.</summary>
    public ImageName? BackingTemplate(string backingFile) => BackingTemplate(volume.Directory, backingFile);

    /// <summary>The template of a directory that a backing file name leads to from there; null when it leads anywhere else.</summary>
    public ImageName? BackingTemplate(string directory, string backingFile)
    {
        var prefix = directory.TrimEnd('/') + "/";
        var name = backingFile.StartsWith(prefix, StringComparison.Ordinal) ? backingFile[prefix.Length..]
            : backingFile.StartsWith("./", StringComparison.Ordinal) ? backingFile[2..]
            : backingFile;
        return names.Classify(name) is TemplateEntry entry ? entry.Image : null;
    }

    /// <summary>Whether a backing file name may lead to a template, in whatever way it says so: another path, a URL, <c>json:</c>.</summary>
    public bool MayBeBackedBy(string backingFile, ImageName image) =>
        BackingTemplate(backingFile) == image || Regex.IsMatch(backingFile, $"(?<![A-Za-z0-9._-]){Regex.Escape(names.Template(image).Text)}(?![A-Za-z0-9._-])", RegexOptions.CultureInvariant);

    private static RefusedException NotFound(ImageName image) => new(Refusal.ImageNotFound, $"there is no template {image}");

    private static RefusedException Rejected(ImageName image, string fault) => new(Refusal.ImageRejected, $"the template {image} is not served: {fault}");
}
