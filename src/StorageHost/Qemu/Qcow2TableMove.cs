using System.Buffers.Binary;
using StorageHost.Images;
using StorageHost.Images.Disks;
using StorageHost.Images.Templates;

namespace StorageHost.Qemu;

/// <summary>
/// Plans how the L1 table moves to the end of the file, where there is room for more entries. What is new there is counted; where counts
/// are lacking, new refcount blocks follow the table, and a new refcount table behind them.
/// </summary>
/// <remarks>
/// Until the header is written, nothing leads to what is new. After that nothing leads to what is old: in between, clusters are counted
/// that nobody uses, which harms nobody.
/// </remarks>
internal sealed class Qcow2TableMove(IHeaderSource image, Qcow2Header header)
{
    /// <summary>Makes the header lead to the new tables.</summary>
    internal delegate GrowthStep SwitchTo(ulong l1, ulong refcounts, uint refcountClusters);

    private const int EntryBytes = 8;
    private const ulong MaxRefcountTableBytes = 8 << 20;

    /// <summary>So many counted clusters behind the end of a file are more than any program leaves there.</summary>
    private const int MostTries = 1000;

    private readonly ulong cluster = 1UL << (int)header.ClusterBits;
    private readonly Qcow2Refcounts counts = new(image, header);

    public ImageGrowth Plan(uint entries, SwitchTo switchTo)
    {
        if (header.Features.HasFlag(Qcow2Features.Dirty))
        {
            throw ImageGrower.Rejected("its reference counts are stale, which 'qemu-img check -r leaks' repairs");
        }

        var place = FindPlace(Clusters((ulong)entries * EntryBytes));
        for (var index = place.FirstBlock; index <= place.LastBlock; index++)
        {
            if (place.BlockAt(counts, index, cluster) is var block && counts.BlockAt(index) == 0)
            {
                counts.Add(block);
            }
        }

        Count(place, place.Start, place.End, isUsed: true);
        var added = place.Blocks.ToDictionary(index => place.BlockAt(counts, index, cluster));
        var l1 = new byte[header.L1Entries * EntryBytes];
        image.Read((long)header.L1Offset, l1);
        var appended = new List<ImageWrite> { new((long)(place.Start * cluster), l1) };
        appended.AddRange(added.Keys.Select(block => new ImageWrite((long)block, counts.Content(block).ToArray())));
        if (place.TableClusters > 0)
        {
            appended.Add(new ImageWrite((long)(place.Table * cluster), TableWith(added, (int)(place.TableClusters * cluster))));
        }

        var links = place.TableClusters > 0 ? [] : added.Select(block => new ImageWrite(
            (long)header.RefcountOffset + ((long)block.Value * EntryBytes), Entry(block.Key)));
        GrowthStep[] counting = [new GrowthStep(null, [.. counts.TakeChanges(added.Keys), .. links])];
        var isTableMoved = place.TableClusters > 0;
        var change = switchTo(
            place.Start * cluster,
            isTableMoved ? place.Table * cluster : header.RefcountOffset,
            isTableMoved ? (uint)place.TableClusters : header.RefcountClusters);
        Free(place, header.L1Offset, Clusters(header.L1Entries * (ulong)EntryBytes));
        Free(place, header.RefcountOffset, isTableMoved ? header.RefcountClusters : 0);
        return new ImageGrowth(
            [
                new GrowthStep((long)(place.End * cluster), appended),
                .. counting.Where(step => step.Writes.Count > 0),
                change,
                .. counts.TakeChanges([]) is { Count: > 0 } freed ? [new GrowthStep(null, freed)] : Array.Empty<GrowthStep>(),
            ],
            (long)((place.End - place.Start) * cluster));
    }

    private ulong Clusters(ulong bytes) => (bytes + cluster - 1) / cluster;

    /// <summary>Finds clusters behind the end of the file that nobody counts, as many as all the new tables take.</summary>
    private Qcow2NewTables FindPlace(ulong l1Clusters)
    {
        var start = Clusters((ulong)image.Length);
        for (var tries = 0; tries < MostTries; tries++)
        {
            var place = Lay(start, l1Clusters);
            if (place.LastCounted(counts, cluster) is not { } counted)
            {
                return place;
            }

            start = counted + 1;
        }

        throw ImageGrower.Rejected("its reference counts count clusters far behind its end");
    }

    /// <summary>Lays the new tables out from a cluster on: each of them may make another block or a larger table necessary.</summary>
    private Qcow2NewTables Lay(ulong start, ulong l1Clusters)
    {
        var place = new Qcow2NewTables(start, l1Clusters, [], 0, counts.PerBlock);
        while (true)
        {
            ulong[] blocks = [.. Range(place.FirstBlock, place.LastBlock).Where(index => counts.BlockAt(index) == 0)];
            var table = place.LastBlock < counts.Capacity ? 0 : Clusters((place.LastBlock + 1) * EntryBytes);
            if (table * cluster > MaxRefcountTableBytes)
            {
                throw new RefusedException(Refusal.InvalidSize, "is too large: the image has no room for the reference counts");
            }

            if (blocks.Length == place.Blocks.Count && table == place.TableClusters)
            {
                return place;
            }

            place = place with { Blocks = blocks, TableClusters = table };
        }
    }

    private void Count(Qcow2NewTables place, ulong from, ulong end, bool isUsed)
    {
        for (var number = from; number < end; number++)
        {
            counts.Set(place.BlockAt(counts, number / counts.PerBlock, cluster), number, isUsed);
        }
    }

    /// <summary>Frees what nothing leads to any more. A cluster that is counted otherwise than once is left alone.</summary>
    private void Free(Qcow2NewTables place, ulong offset, ulong clusters)
    {
        for (var number = offset / cluster; number < (offset / cluster) + clusters; number++)
        {
            var block = place.BlockAt(counts, number / counts.PerBlock, cluster);
            if (block != 0 && counts.Get(block, number) == 1)
            {
                counts.Set(block, number, isUsed: false);
            }
        }
    }

    private byte[] TableWith(Dictionary<ulong, ulong> added, int bytes)
    {
        var table = new byte[bytes];
        counts.Table.CopyTo(table, 0);
        foreach (var (block, index) in added)
        {
            Entry(block).CopyTo(table, (int)index * EntryBytes);
        }

        return table;
    }

    private static byte[] Entry(ulong offset)
    {
        var entry = new byte[EntryBytes];
        BinaryPrimitives.WriteUInt64BigEndian(entry, offset);
        return entry;
    }

    private static IEnumerable<ulong> Range(ulong first, ulong last)
    {
        for (var number = first; number <= last; number++)
        {
            yield return number;
        }
    }
}
