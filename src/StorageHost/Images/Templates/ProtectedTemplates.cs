using System.Collections.Immutable;
using StorageHost.Images.Names;

namespace StorageHost.Images.Templates;

/// <summary>Which templates are protected, as the last scan saw it; what counts, whoever deletes one looks at on the volume.</summary>
internal sealed class ProtectedTemplates
{
    private ImmutableHashSet<ImageName> images = [];

    public bool Contains(ImageName image) => Volatile.Read(ref images).Contains(image);

    /// <summary>Takes up what a scan saw.</summary>
    public void TakeUp(IReadOnlySet<ImageName> seen) => Volatile.Write(ref images, [.. seen]);

    /// <summary>Takes up what this daemon has changed.</summary>
    public void Change(ImageName image, bool isProtected) =>
        ImmutableInterlocked.Update(
            ref images,
            (before, change) => change.isProtected ? before.Add(change.image) : before.Remove(change.image),
            (image, isProtected));
}
