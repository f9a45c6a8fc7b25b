using StorageHost.Images.Templates;

namespace StorageHost.Qemu.Foreign;

/// <summary>Looks whether a file holds everything that its tables name: QEMU reads zeros where a file has been cut off.</summary>
/// <param name="source">The image, open.</param>
/// <param name="format">Its format, in words.</param>
internal abstract class TableCheck(IHeaderSource source, string format) : IWholeCheck
{
    private const int SliceBytes = 64 * 1024;
    private const int MinReadCost = 4096;

    private IEnumerator<int>? steps;
    private string? fault;
    private long readBytes;
    private ulong needed;

    /// <summary>Tables may name the same tables as often as they like, and so a small file could be read for ever.</summary>
    public long MaxReadBytes { get; init; } = 4L << 30;

    public string? Fault => fault ?? (needed > (ulong)source.Length
        ? $"the {format} image is cut short or still being copied: it needs {needed} bytes, has {source.Length}"
        : null);

    public bool Advance(Func<bool> stop)
    {
        steps ??= Walk().GetEnumerator();
        while (fault is null && steps.MoveNext())
        {
            if (stop())
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Goes through the tables, and notes what they need; each step reads a little.</summary>
    protected abstract IEnumerable<int> Walk();

    /// <summary>Notes that the file must reach so far.</summary>
    protected void Need(ulong offset, ulong bytes) =>
        needed = Math.Max(needed, offset > ulong.MaxValue - bytes ? ulong.MaxValue : offset + bytes);

    /// <summary>Notes what is wrong; what was found first stays.</summary>
    protected void Refuse(string why) => fault ??= $"the {format} image {why}";

    /// <summary>
    /// Reads a table in slices: the number of the first entry of a slice, and the slice. What the file lacks is left out.
    /// </summary>
    protected IEnumerable<(ulong First, ReadOnlyMemory<byte> Entries)> Table(ulong offset, ulong entries, int entryBytes)
    {
        var own = new byte[entries * (ulong)entryBytes <= MinReadCost ? MinReadCost : SliceBytes];
        Need(offset, entries * (ulong)entryBytes);
        var length = (ulong)source.Length;
        var there = offset >= length ? 0 : Math.Min(entries, (length - offset) / (ulong)entryBytes);
        for (var first = 0UL; first < there && fault is null;)
        {
            var count = (int)Math.Min(there - first, (ulong)(own.Length / entryBytes));
            var bytes = own.AsMemory(0, count * entryBytes);
            if (!TryRead(offset + (first * (ulong)entryBytes), bytes.Span))
            {
                yield break;
            }

            yield return (first, bytes);
            first += (ulong)count;
        }
    }

    /// <summary>Reads what lies in the file; of a file that shrinks meanwhile, zeros. False when too much was read already.</summary>
    protected bool TryRead(ulong offset, Span<byte> buffer)
    {
        readBytes += Math.Max(buffer.Length, MinReadCost);
        if (readBytes > MaxReadBytes)
        {
            Refuse($"has tables that take more than {MaxReadBytes >> 20} MiB to read");
            return false;
        }

        buffer[(offset < (ulong)source.Length ? source.Read((long)offset, buffer) : 0)..].Clear();
        return true;
    }
}
