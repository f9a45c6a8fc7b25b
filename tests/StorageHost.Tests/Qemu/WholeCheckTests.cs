using System.Buffers.Binary;
using StorageHost.Images.Templates;
using StorageHost.Qemu;
using StorageHost.Tests.Processes;
using Xunit;

namespace StorageHost.Tests.Qemu;

/// <summary>What holds of the check of a whole image for any content, and what it costs.</summary>
public sealed class WholeCheckTests : IDisposable
{
    private const int Mutations = 6_000;
    private const long MaxBytesAllocated = 1 << 20;
    private const long TiB = 1L << 40;

    private readonly Scratch scratch = new();

    public void Dispose() => scratch.Dispose();

    [Theory]
    [InlineData(0x30000L)]
    [InlineData(1L << 55)]
    public void A_table_or_cluster_far_beyond_the_end_is_missing(long end)
    {
        const int Cluster = Qcow2Bytes.Cluster;
        var refcounts = Qcow2Bytes.Pokes(Qcow2Bytes.Version3(), Cluster, 8, end - Cluster);
        var table = Qcow2Bytes.Pokes(Qcow2Bytes.Version3(), Qcow2Bytes.L1Offset, 8, end - Cluster);
        byte[] withTable = [.. Qcow2Bytes.Version3()[..^16], .. new byte[2 * Cluster]];
        var data = Qcow2Bytes.Pokes(withTable, Qcow2Bytes.L1Offset, 8, 4 * Cluster, 4 * Cluster, 8, end - Cluster);
        Assert.Contains($"it needs {end} bytes, has {table.Length}", FindFault(table), StringComparison.Ordinal);
        Assert.Contains($"it needs {end} bytes, has {data.Length}", FindFault(data), StringComparison.Ordinal);

        // Of the counts, only those of clusters in the file.
        Assert.Contains($"it needs {end - Cluster + 8} bytes, has {refcounts.Length}", FindFault(refcounts), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Qcow2Bytes.Cluster, "refcount block")]
    [InlineData(Qcow2Bytes.L1Offset, "L2 table")]
    public void What_does_not_begin_on_a_cluster_is_no_table(int entry, string what) => Assert.Equal(
        $"a qcow2 {what} does not begin on a cluster boundary", FindFault(Qcow2Bytes.Pokes(Qcow2Bytes.Version3(), entry, 8, 512)));

    [Fact]
    public void Raw_images_have_nothing_to_be_checked() => Assert.Null(new ImageInspector().CheckWhole(new BytesSource(new byte[512])));

    [Fact]
    public async Task Images_with_broken_tables_are_refused_or_harmless()
    {
        var random = new Random(20_260_301);
        var seeds = await SeedsAsync();
        var (faults, passed) = (0, 0);
        for (var i = 0; i < Mutations; i++)
        {
            var image = Mutate(seeds[i % seeds.Count], random);
            if (new ImageInspector().Inspect(new BytesSource(image)).Fault is null)
            {
                _ = Check(image) is null ? passed++ : faults++;
            }
        }

        // Else the mutations would show little.
        Assert.InRange(faults, Mutations / 10, Mutations);
        Assert.InRange(passed, Mutations / 100, Mutations);
    }

    [Fact]
    public void A_full_image_of_a_TiB_is_read_once_and_takes_no_memory()
    {
        var source = new FullImage(TiB, clusterBits: 16);
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var check = new ImageInspector().CheckWhole(source)!;
        var slices = 0;
        while (!check.Advance(() => true))
        {
            slices++;
        }

        Assert.Null(check.Fault);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - allocated, 0, MaxBytesAllocated);
        Assert.InRange(source.BytesRead, 128 << 20, 129 << 20);
        Assert.InRange(slices, 2048, 10_000);
    }

    /// <summary>An L1 table of which every entry names the same L2 table.</summary>
    [Fact]
    public void Tables_that_name_each_other_over_and_over_are_not_read_for_ever()
    {
        var source = new FullImage(1L << 30, clusterBits: 12, isFolded: true);
        var head = new byte[104];
        source.Read(0, head);
        var check = new Qcow2WholeCheck(source, Qcow2Header.Parse(head)!.Value, null) { MaxReadBytes = 1 << 20 };
        Assert.True(check.Advance(() => false));
        Assert.Equal("the qcow2 tables take more than 1 MiB to read", check.Fault);
        Assert.InRange(source.BytesRead, 1 << 20, (1 << 20) + (64 << 10));
    }

    private static string? FindFault(byte[] image)
    {
        var check = new ImageInspector().CheckWhole(new BytesSource(image))!;
        Assert.True(check.Advance(() => false));
        return check.Fault;
    }

    /// <summary>Checks, and asserts what must hold whatever the bytes are.</summary>
    private static string? Check(byte[] image)
    {
        var source = new BytesSource(image);
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var check = new ImageInspector().CheckWhole(source)!;
        var steps = 0;
        while (!check.Advance(() => true))
        {
            Assert.InRange(++steps, 0, 100_000);
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - allocated, 0, MaxBytesAllocated);
        Assert.InRange(source.BytesRead, 0, 256 << 20);
        if (check.Fault is { } fault)
        {
            Assert.DoesNotContain(fault, char.IsControl);
            Assert.InRange(fault.Length, 10, 160);
        }

        return check.Fault;
    }

    /// <summary>Changes an entry of a table or a byte anywhere, or cuts the file.</summary>
    private static byte[] Mutate(byte[] seed, Random random)
    {
        var image = seed.AsSpan(0, random.Next(8) == 0 ? random.Next(seed.Length) : seed.Length).ToArray();
        int[] tables = [(int)Field(seed, 40), (int)Field(seed, 48), (int)Field(seed, 64), (int)(Field(seed, (int)Field(seed, 40)) & 0xffffffffff00)];
        for (var i = random.Next(1, 4); i > 0; i--)
        {
            var at = random.Next(6) == 0 ? random.Next(104, image.Length + 1) : tables[random.Next(tables.Length)] + random.Next(256);
            if (at < image.Length && at >= 104)
            {
                image[at] = (byte)(random.Next(3) == 0 ? 0xff : random.Next(256));
            }
        }

        return image;
    }

    private static ulong Field(byte[] image, int offset) => BinaryPrimitives.ReadUInt64BigEndian(image.AsSpan(offset));

    private async Task<IReadOnlyList<byte[]>> SeedsAsync()
    {
        var seeds = new List<byte[]>();
        foreach (var options in new[] { "compat=0.10,cluster_size=512", "cluster_size=4K", "cluster_size=16K,extended_l2=on", "refcount_bits=64,cluster_size=4K" })
        {
            var image = scratch.File($"seed{seeds.Count}");
            await RealQemuImg.RunAsync("create", "-q", "-f", "qcow2", "-o", options, image, "1M");
            await RealQemuImg.WriteAsync(image, "write -P 7 0 64k", "write -P 8 300k 20k");
            await RealQemuImg.RunAsync("snapshot", "-c", "before", image);
            await RealQemuImg.WriteAsync(image, "write -P 9 32k 64k");
            if (!options.Contains("0.10", StringComparison.Ordinal))
            {
                await RealQemuImg.RunAsync("bitmap", "--add", image, "changes");
            }

            seeds.Add(await File.ReadAllBytesAsync(image));
        }

        return seeds;
    }

    /// <summary>An image all of whose clusters are allocated one after the other, made up as it is read.</summary>
    private sealed class FullImage(long virtualBytes, int clusterBits, bool isFolded = false) : IHeaderSource
    {
        private readonly long cluster = 1L << clusterBits;

        public long BytesRead { get; private set; }

        public long Length => FirstData + virtualBytes;

        private long Tables => virtualBytes / (cluster / 8 * cluster);

        private long FirstTable => cluster * (3 + (((Tables * 8) + cluster - 1) / cluster));

        private long FirstData => FirstTable + (Tables * cluster);

        public int Read(long offset, Span<byte> buffer)
        {
            BytesRead += offset == 0 ? 0 : buffer.Length;
            buffer.Clear();
            if (offset == 0)
            {
                var head = Qcow2Bytes.Pokes(
                    Qcow2Bytes.Version3(), 20, 4, clusterBits, 24, 8, virtualBytes, 36, 4, Tables, 40, 8, 3 * cluster, 48, 8, cluster, 56, 4, 1);
                head.AsSpan(0, Math.Min(buffer.Length, 104)).CopyTo(buffer);
                return buffer.Length;
            }

            for (var at = 0; at < buffer.Length && offset >= 3 * cluster; at += 8)
            {
                var here = offset + at;
                BinaryPrimitives.WriteInt64BigEndian(buffer[at..], here < FirstTable ? Table((here / 8) - (3 * cluster / 8)) : FirstData + ((here - FirstTable) / 8 * cluster));
            }

            return buffer.Length;
        }

        private long Table(long number) => FirstTable + (isFolded ? 0 : number * cluster);
    }
}
