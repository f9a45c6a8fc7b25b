using StorageHost.Images.Names;

namespace StorageHost.Images.Templates;

/// <summary>What tells one state of a template from the next.</summary>
/// <param name="Size">Length in bytes.</param>
/// <param name="ModifiedNs">Time of the last modification, in nanoseconds since 1970.</param>
/// <param name="Inode">Inode number; on Gluster the same on every node.</param>
internal readonly record struct Fingerprint(long Size, long ModifiedNs, ulong Inode);

/// <summary>A master image as it lies on the volume now.</summary>
/// <param name="Image">Its name.</param>
/// <param name="Fingerprint">Its state; copies made of another state are stale.</param>
/// <param name="AllocatedBytes">What it takes on the volume; a copy takes as much.</param>
internal sealed record Template(ImageName Image, Fingerprint Fingerprint, long AllocatedBytes);
