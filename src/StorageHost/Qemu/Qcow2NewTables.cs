namespace StorageHost.Qemu;

/// <summary>
/// Where new tables lie behind the end of a qcow2, counted in clusters: the L1 table, refcount blocks, the refcount table.
/// </summary>
/// <param name="Start">The first cluster.</param>
/// <param name="L1Clusters">How many the L1 table takes.</param>
/// <param name="Blocks">The refcount blocks that are new, by their number in the refcount table; each takes a cluster.</param>
/// <param name="TableClusters">How many the new refcount table takes; 0 when the old one stays.</param>
/// <param name="PerBlock">How many clusters one block counts.</param>
internal sealed record Qcow2NewTables(
    ulong Start, ulong L1Clusters, IReadOnlyList<ulong> Blocks, ulong TableClusters, ulong PerBlock)
{
    /// <summary>Where the new refcount table begins.</summary>
    public ulong Table => Start + L1Clusters + (ulong)Blocks.Count;

    /// <summary>Behind the last cluster.</summary>
    public ulong End => Table + TableClusters;

    /// <summary>The number of the block that counts the first cluster, and of the one that counts the last.</summary>
    public ulong FirstBlock => Start / PerBlock;

    /// <inheritdoc cref="FirstBlock"/>
    public ulong LastBlock => (End - 1) / PerBlock;

    /// <summary>The offset of a block, an old or a new one; 0 when there is none.</summary>
    public ulong BlockAt(Qcow2Refcounts counts, ulong index, ulong clusterBytes)
    {
        if (counts.BlockAt(index) is not 0 and var old)
        {
            return old;
        }

        for (var number = 0; number < Blocks.Count; number++)
        {
            if (Blocks[number] == index)
            {
                return (Start + L1Clusters + (ulong)number) * clusterBytes;
            }
        }

        return 0;
    }

    /// <summary>The last of these clusters that is counted already; null when none is.</summary>
    public ulong? LastCounted(Qcow2Refcounts counts, ulong clusterBytes)
    {
        for (var cluster = End - 1; cluster >= Start; cluster--)
        {
            if (counts.BlockAt(cluster / PerBlock) is not 0 and var block && counts.Get(block, cluster) != 0)
            {
                return cluster;
            }
        }

        return null;
    }
}
