using System.Text.RegularExpressions;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Names;
using StorageHost.Images.Templates;

namespace StorageHost.Files.Catalog;

/// <summary>Finds and opens templates, and keeps hostile ones away from everything behind it.</summary>
internal sealed class TemplateFile(FileNames names, IImageInspector inspector, VolumeSessions volume, ReplacedTemplates replaced)
{
    /// <summary>A template and those that it is backed by. Each is a file that every guest keeps open and looks into.</summary>
    private const int MaxChain = 8;

    /// <summary>Looks at a template; null when it does not exist.</summary>
    public Template? TryFind(DirectoryHandle mount, ImageName image) =>
        mount.TryStat(names.Template(image).Text, out var stat) ? new Template(image, stat.Fingerprint, stat.AllocatedBytes) : null;

    /// <summary>Looks at a template.</summary>
    /// <exception cref="RefusedException">ImageNotFound.</exception>
    public Template Find(DirectoryHandle mount, ImageName image) => TryFind(mount, image) ?? throw NotFound(image);

    /// <summary>Whether a template is still the one of that state, as the server knows it.</summary>
    /// <exception cref="RefusedException">ImageNotFound.</exception>
    public bool IsStill(DirectoryHandle mount, ImageName image, Fingerprint state) =>
        Find(mount, image).Fingerprint == state && !replaced.IsReplaced(mount, image);

    /// <summary>
    /// Opens a template and every template that it is backed by. All are regular files whose headers have passed the inspection.
    /// </summary>
    /// <exception cref="RefusedException">ImageNotFound; ImageRejected.</exception>
    public OpenedTemplate Open(DirectoryHandle mount, ImageName image)
    {
        var opened = new OpenedTemplate();
        try
        {
            for (ImageName? next = image; next is { } current;)
            {
                if (opened.Chain.Any(file => file.Template.Image == current))
                {
                    throw Rejected(image, opened.Chain[^1].Template.Image, $"its chain of backing files leads back to {current}");
                }

                if (opened.Chain.Count == MaxChain)
                {
                    throw Rejected(image, image, $"its chain of backing files is longer than {MaxChain} templates");
                }

                next = AddTo(opened, mount, image, current);
            }

            return opened;
        }
        catch
        {
            opened.Dispose();
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

    /// <summary>
    /// Whether a backing file name may lead to a template, in whatever way it says so: another path, a URL, <c>json:</c>.
    /// </summary>
    public bool MayBeBackedBy(string backingFile, ImageName image) =>
        BackingTemplate(backingFile) == image
            || Regex.IsMatch(
                backingFile, $"(?<![A-Za-z0-9._-]){Regex.Escape(names.Template(image).Text)}(?![A-Za-z0-9._-])",
                RegexOptions.CultureInvariant);

    /// <summary>The refusal of a template for a fault of its own or of one that it is backed by.</summary>
    internal static RefusedException Rejected(ImageName image, ImageName faulty, string fault) => new(
        Refusal.ImageRejected,
        $"the template {image} is not served: {(faulty == image ? "" : $"its backing file, the template {faulty}: ")}{fault}");

    private static RefusedException NotFound(ImageName image) => new(Refusal.ImageNotFound, $"there is no template {image}");

    /// <summary>Opens one file of a chain.</summary>
    /// <returns>The next one; null when it is the last.</returns>
    private ImageName? AddTo(OpenedTemplate opened, DirectoryHandle mount, ImageName image, ImageName current)
    {
        var name = names.Template(current).Text;
        if (!mount.TryStat(name, out var listed))
        {
            throw current == image ? NotFound(image) : Rejected(image, current, "it does not exist");
        }

        // Opening a device or a pipe may already do something: so only after lstat, and the open file is asked again.
        var file = listed.IsRegular ? mount.Open(name) : throw Rejected(image, current, "it is not a regular file");
        try
        {
            var stat = DirectoryHandle.Stat(file, name);
            if (!stat.IsRegular)
            {
                throw Rejected(image, current, "it is not a regular file");
            }

            var content = new HeaderSource(file, name);
            var header = inspector.Inspect(content);
            if (header.Fault is { } fault)
            {
                throw Rejected(image, current, fault);
            }

            if (header.BackingFile is { } backing && BackingTemplate(backing) is null)
            {
                throw Rejected(image, current, "its backing file is not one of the templates");
            }

            var template = new Template(current, stat.Fingerprint, stat.AllocatedBytes);
            var record = TemplateRecords.Read(file, name, stat.Fingerprint);
            opened.Add(new ChainedFile(template, file, content, header.Format, header.VirtualBytes, record));
            return header.BackingFile is { } next ? BackingTemplate(next) : null;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }
}
