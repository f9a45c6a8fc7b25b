using System.Collections;
using System.Text;
using StorageHost.Files.Posix;

namespace StorageHost.Files.Index;

/// <summary>
/// One look at a directory, in slices: lists it, asks for each file's state, and opens only what is new or changed. What cannot be
/// looked at is counted, and stays as it was known: unknown is not absent.
/// </summary>
/// <param name="before">The index that it starts from.</param>
/// <param name="reader">Reads an image.</param>
/// <param name="mount">The directory, opened for this pass alone.</param>
/// <param name="path">The directory's full path.</param>
internal sealed class IndexPass(ImageIndex before, ImageReader reader, DirectoryHandle mount, string path) : IDisposable
{
    // Longer names, in UTF-16, are none of ours.
    private const int LongestName = 255;

    private readonly DirectoryCursor cursor = new(mount.Directory, ".");
    private readonly BitArray kept = new(before.Count);
    private readonly List<IndexedFile> changed = [];

    /// <summary>How many files bear the name of an image and are none that can be read.</summary>
    public int Skipped { get; private set; }

    /// <summary>The disks whose file has more than one name.</summary>
    public HashSet<string> MultiLinked { get; } = new(StringComparer.Ordinal);

    /// <summary>Goes on until it is told to stop.</summary>
    /// <returns>Whether the directory's end was reached.</returns>
    public bool Advance(Func<bool> stop)
    {
        Span<char> text = stackalloc char[LongestName];
        while (!stop())
        {
            if (!cursor.MoveNext())
            {
                return true;
            }

            if (Encoding.UTF8.TryGetChars(cursor.Name, text, out var length))
            {
                Look(text[..length]);
            }
        }

        return false;
    }

    /// <summary>The index that the look made, after the directory's end was reached.</summary>
    public ImageIndex Finish() => before.Next(kept, changed);

    public void Dispose() => cursor.Dispose();

    private void Look(ReadOnlySpan<char> text)
    {
        var position = before.Find(text);
        var known = position < 0 ? null : before[position];
        var name = known?.Name ?? text.ToString();
        if (known is null ? !reader.IsImage(name) : !known.IsOurs)
        {
            Take(known ?? new IndexedFile(name, default, null), position);
            return;
        }

        var errno = cursor.Stat(out var stat);
        if (errno == 0 && stat is { IsRegular: true, Links: > 1 } && reader.IsDisk(name))
        {
            MultiLinked.Add(name);
        }

        Take(
            errno == Errno.NoEntry ? null
            : errno != 0 ? Skip(known)
            : stat.Fingerprint == known?.Fingerprint ? (known.Image is null ? Skip(known) : known)
            : stat.IsRegular ? Read(name, known)
            : Skip(new IndexedFile(name, stat.Fingerprint, null)),
            position);
    }

    private IndexedFile? Read(string name, IndexedFile? known)
    {
        try
        {
            return reader.Read(mount, path, name, known) switch
            {
                null => null,
                { Image: null } read => Skip(read),
                { } read => read.Image == known?.Image ? read with { Image = known?.Image } : read,
            };
        }
        catch (StorageException)
        {
            return Skip(known);
        }
    }

    private IndexedFile? Skip(IndexedFile? file)
    {
        Skipped++;
        return file;
    }

    private void Take(IndexedFile? file, int position)
    {
        if (position >= 0 && ReferenceEquals(file, before[position]))
        {
            kept[position] = true;
        }
        else if (file is not null)
        {
            changed.Add(file);
        }
    }
}
