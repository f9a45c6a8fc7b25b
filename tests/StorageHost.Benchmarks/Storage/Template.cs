using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Posix;
using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.Benchmarks.Storage;

/// <summary>A template to be copied: seeded random data, so that nothing below can shrink it, and the same in every run.</summary>
/// <param name="Image">Its image's name.</param>
/// <param name="Format">How qemu-img names its format.</param>
/// <param name="What">What it is, in words.</param>
internal sealed record Template(string Image, string Format, string What)
{
    private const int MiB = 1 << 20;

    // The runs of zeros in what is laced with them: finer than a qcow2 cluster.
    private const int Lace = 32 << 10;

    /// <summary>What a MiB of a template holds.</summary>
    private enum Filling
    {
        Hole,
        Zeros,
        Laced,
        Data,
    }

    public string FileName => $"{Image}_template.img";

    /// <summary>A qcow2 full of data.</summary>
    public static async Task<Template> PutDenseAsync(StorageArea area, int mib)
    {
        var raw = Path.Combine(Directory.CreateDirectory(Path.Combine(Lab.Directory, "masters")).FullName, $"dense-{mib}.raw");
        if (!File.Exists(raw))
        {
            Write(raw, (long)mib * MiB, new Random(1), _ => Filling.Data);
        }

        return await PutAsync(new Template("dense", "qcow2", $"dense qcow2, {mib} MiB"), area, incoming =>
            Shell.RunAsync(TimeSpan.FromMinutes(5), "qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, incoming));
    }

    /// <summary>
    /// A raw image of which 10 MiB are written at the beginning of every 170 MiB: 8 MiB of data, 1 MiB laced with zeros, 1 MiB of zeros. 120 such places make 20 GiB.
    /// </summary>
    public static Task<Template> PutSparseAsync(StorageArea area, int places)
    {
        const long Distance = 170;
        return PutAsync(new Template("sparse", "raw", $"raw, {places * Distance / 1024.0:0} GiB, {places * 8.5:0} MiB of data"), area, incoming =>
        {
            Write(incoming, places * Distance * MiB, new Random(2), at => (at % Distance) switch
            {
                < 8 => Filling.Data,
                8 => Filling.Laced,
                9 => Filling.Zeros,
                _ => Filling.Hole,
            });
            return Task.CompletedTask;
        });
    }

    /// <summary>A raw image of some size with 64 MiB of data in it.</summary>
    public static Task<Template> PutHollowAsync(StorageArea area, int gib) => PutAsync(new Template($"hollow{gib}", "raw", $"raw, {gib} GiB, 64 MiB of data"), area, incoming =>
    {
        Write(incoming, (long)gib << 30, new Random(3), at => at % (gib * 16) == 0 ? Filling.Data : Filling.Hole);
        return Task.CompletedTask;
    });

    /// <summary>Reads its data once through the mount, so that whoever copies it next finds it in the same caches; with its holes where they cannot be asked for.</summary>
    public void Warm(StorageArea area)
    {
        using var file = File.OpenHandle(area.Seen(FileName));
        if (Syscalls.Seek(file, 0, Syscalls.SeekData) < 0)
        {
            Read(file, 0, RandomAccess.GetLength(file));
        }

        for (long at = 0; (at = Syscalls.Seek(file, at, Syscalls.SeekData)) >= 0;)
        {
            var end = Syscalls.Seek(file, at, Syscalls.SeekHole);
            Read(file, at, end);
            at = end;
        }
    }

    private static void Read(SafeFileHandle file, long at, long end)
    {
        var buffer = new byte[MiB];
        while (at < end)
        {
            at += RandomAccess.Read(file, buffer.AsSpan(0, (int)Math.Min(buffer.Length, end - at)), at);
        }
    }

    /// <summary>Makes it under a name that the daemon passes over, then gives it its own, with an age at which the daemon need not wait for it to settle.</summary>
    private static async Task<Template> PutAsync(Template template, StorageArea area, Func<string, Task> make)
    {
        Workbench.Say($"making the template: {template.What}");
        var incoming = area.Seen(".incoming");
        await make(incoming);
        Durable.Sync(incoming);
        File.SetLastWriteTimeUtc(incoming, DateTime.UnixEpoch.AddYears(50));
        File.Move(incoming, area.Seen(template.FileName));
        return template;
    }

    private static void Write(string path, long length, Random random, Func<long, Filling> of)
    {
        using var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write);
        RandomAccess.SetLength(file, length);
        var buffer = new byte[MiB];
        for (long at = 0; at < length / MiB; at++)
        {
            if (of(at) is var filling && filling == Filling.Hole)
            {
                continue;
            }

            random.NextBytes(buffer);
            for (var zeros = 0; filling != Filling.Data && zeros < MiB; zeros += filling == Filling.Laced ? 2 * Lace : Lace)
            {
                buffer.AsSpan(zeros, Lace).Clear();
            }

            RandomAccess.Write(file, buffer, at * MiB);
        }
    }
}
