using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Posix;
using StorageHost.Images;
using StorageHost.Images.Names;

namespace StorageHost.Files.Catalog;

/// <summary>
/// Knows the files that were templates and are not any more, by the extended attribute <c>user.storagehost.replaced</c>.
/// </summary>
/// <remarks>
/// A name cannot tell: while a node reads a file, its Gluster client goes on believing in the file's name, for minutes if need be (10.3,
/// replica 3). It asks the bricks for such an attribute each time.
/// </remarks>
internal sealed class ReplacedTemplates(FileNames names)
{
    private const string Attribute = "user.storagehost.replaced";

    /// <summary>Marks the file that was the template until now.</summary>
    public void Mark(SafeFileHandle file, ImageName image)
    {
        try
        {
            ExtendedAttributes.Set(file, names.Template(image).Text, Attribute, "yes");
        }
        catch (StorageException exception) when (exception.Errno is Errno.Access or Errno.NotPermitted or Errno.ReadOnly)
        {
            // An operator's file that this daemon may not write to: then a node that reads it learns of the new one when it has read it.
        }
    }

    /// <summary>Takes the mark off a file that is about to become the template again.</summary>
    public void Clear(SafeFileHandle file, ImageName image) => ExtendedAttributes.Remove(file, names.Template(image).Text, Attribute);

    /// <summary>Whether what this node takes for the template was replaced, or is gone.</summary>
    public bool IsReplaced(DirectoryHandle mount, ImageName image)
    {
        var name = names.Template(image).Text;
        if (ExtendedAttributes.TryGet(mount.Directory, name, Attribute, out var isGone) is null && !isGone)
        {
            return false;
        }

        using var file = mount.TryOpen(name);
        return file is null || IsReplaced(mount, file, image);
    }

    /// <summary>Whether a file that was opened as the template was replaced since.</summary>
    public bool IsReplaced(DirectoryHandle mount, SafeFileHandle file, ImageName image) =>
        ExtendedAttributes.Get(file, names.Template(image).Text, Attribute) is not null && IsOnlyVersion(mount, file, image);

    /// <summary>
    /// Whether a file has no name but those of versions, as the bricks know it. An operator may have put a version back by hand, mark and
    /// all.
    /// </summary>
    public bool IsOnlyVersion(DirectoryHandle mount, SafeFileHandle file, ImageName image)
    {
        var stat = DirectoryHandle.StatSynced(file, names.Template(image).Text);
        return stat.Links <= VersionFiles.Of(mount, names, image).Count(version => version.Stat.Inode == stat.Inode);
    }

    /// <summary>Refuses a file that was opened as the template and was replaced since.</summary>
    /// <exception cref="RefusedException">JobConflict, with when this node will know the new one.</exception>
    public void RefuseReplaced(DirectoryHandle mount, SafeFileHandle file, ImageName image)
    {
        if (IsReplaced(mount, file, image))
        {
            throw new RefusedException(Refusal.JobConflict, $"the template {image} was replaced on another node a moment ago")
            {
                RetryAfter = TransientRetry.Forgotten,
            };
        }
    }
}
