using System.Buffers.Binary;
using System.Globalization;

namespace StorageHost.Benchmarks.Micro;

/// <summary>A directory of qcow2 disks with sound headers and nothing in them, and a few templates.</summary>
internal static class ManyDisks
{
    /// <summary>How long each file is.</summary>
    public const long FileBytes = 4 << 16;

    private const int Templates = 20;

    /// <summary>Makes the directory.</summary>
    /// <returns>Its path.</returns>
    public static string Create(int disks)
    {
        var path = Directory.CreateTempSubdirectory("storagehost-bench-").FullName;
        Fill(path, disks);
        return path;
    }

    /// <summary>Makes the files in a directory that is there; many at a time, since each waits for the storage again and again.</summary>
    public static void Fill(string path, int disks)
    {
        var header = Header();
        Parallel.For(0, disks, new ParallelOptions { MaxDegreeOfParallelism = 16 }, number =>
        {
            var name = number < Templates ? "image{0}_template.img" : "vm{0:000000}.qcow2";
            using var file = File.OpenHandle(
                Path.Combine(path, string.Format(CultureInfo.InvariantCulture, name, number)), FileMode.CreateNew, FileAccess.Write);
            RandomAccess.Write(file, header, 0);
            RandomAccess.SetLength(file, FileBytes);
        });
    }

    /// <summary>Version 3, clusters of 64 KiB, 20 GiB: header, reference count table, L1 table and a free cluster.</summary>
    public static byte[] Header()
    {
        var header = new byte[512];
        Put32(0, 0x514649fb);
        Put32(4, 3);
        Put32(20, 16);
        Put64(24, 20L << 30);
        Put32(36, 40);
        Put64(40, 2 << 16);
        Put64(48, 1 << 16);
        Put32(56, 1);
        Put32(96, 4);
        Put32(100, 104);
        return header;

        void Put32(int offset, int value) => BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(offset), value);
        void Put64(int offset, long value) => BinaryPrimitives.WriteInt64BigEndian(header.AsSpan(offset), value);
    }
}
