using System.Collections;
using StorageHost.Images.Disks;
using StorageHost.Images.Templates;
using StorageHost.ImageStorages;

namespace StorageHost.Files.Index;

/// <summary>A name in a directory as the index knows it.</summary>
/// <param name="Name">The name.</param>
/// <param name="Fingerprint">The file's state when it was read; while it is the same, the file is not opened again. The default for a name
/// that is none of ours, which is never looked at.</param>
/// <param name="Image">What was read; null when there is nothing to be read in it (a link, a pipe, a directory).</param>
internal sealed record IndexedFile(string Name, Fingerprint Fingerprint, IndexedImage? Image)
{
    /// <summary>What more is known of a template.</summary>
    public TemplateDetails? Template { get; init; }

    /// <summary>What more is known of a disk.</summary>
    public DiskInfo? Disk { get; init; }

    public bool IsOurs => Fingerprint != default;
}

/// <summary>
/// What lies in a directory, sorted by name. It never changes: a pass makes the next one from it, and shares what stayed the same. So a
/// pass whose storage call hangs can be left behind without spoiling anything.
/// </summary>
internal sealed class ImageIndex
{
    private readonly IndexedFile[] files;

    private ImageIndex(IndexedFile[] files, IReadOnlyList<IndexedImage> images)
    {
        (this.files, Images) = (files, images);
        Templates = [.. files.Select(file => file.Template).OfType<TemplateDetails>()];
        Disks = [.. files.Select(file => file.Disk).OfType<DiskInfo>()];
    }

    /// <summary>Of a directory that nobody looked at yet.</summary>
    public static ImageIndex Empty { get; } = new([], []);

    /// <summary>The images, sorted by file name; the same list for as long as nothing about them changes.</summary>
    public IReadOnlyList<IndexedImage> Images { get; }

    /// <summary>The templates among them.</summary>
    public IReadOnlyList<TemplateDetails> Templates { get; }

    /// <summary>The disks among them, sorted by file name.</summary>
    public IReadOnlyList<DiskInfo> Disks { get; }

    /// <summary>How many names there are, of images and others.</summary>
    public int Count => files.Length;

    public IndexedFile this[int position] => files[position];

    /// <summary>The position of a name; negative when it is not known.</summary>
    public int Find(ReadOnlySpan<char> name)
    {
        var (low, high) = (0, files.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            var order = name.SequenceCompareTo(files[middle].Name);
            if (order == 0)
            {
                return middle;
            }

            (low, high) = order > 0 ? (middle + 1, high) : (low, middle - 1);
        }

        return -1;
    }

    /// <summary>The next index.</summary>
    /// <param name="kept">The positions that stay as they are.</param>
    /// <param name="changed">What is new or changed, in any order.</param>
    public ImageIndex Next(BitArray kept, List<IndexedFile> changed)
    {
        if (changed.Count == 0 && kept.HasAllSet())
        {
            return this;
        }

        var next = Merge(kept, changed);
        var images = next.Select(file => file.Image).OfType<IndexedImage>().ToArray();
        return new ImageIndex(next, images.SequenceEqual(Images, ReferenceEqualityComparer.Instance) ? Images : images);
    }

    private IndexedFile[] Merge(BitArray kept, List<IndexedFile> changed)
    {
        changed.Sort((left, right) => string.CompareOrdinal(left.Name, right.Name));
        var next = new List<IndexedFile>(files.Length + changed.Count);
        var taken = 0;
        for (var position = 0; position < files.Length; position++)
        {
            if (kept[position])
            {
                TakeBefore(files[position].Name);
                next.Add(files[position]);
            }
        }

        TakeBefore(null);
        return [.. next];

        void TakeBefore(string? name)
        {
            for (; taken < changed.Count && (name is null || string.CompareOrdinal(changed[taken].Name, name) < 0); taken++)
            {
                // A directory that changes while it is read may show a name twice.
                if (next.Count == 0 || next[^1].Name != changed[taken].Name)
                {
                    next.Add(changed[taken]);
                }
            }
        }
    }
}
