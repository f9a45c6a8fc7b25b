using System.Globalization;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>
/// The template files that tests put on their volumes, kept outside of every storage directory, so that what the daemon serves is
/// always compared with something that it cannot have touched. Each is made once, with its own random content.
/// </summary>
internal sealed class Masters(string directory)
{
    /// <summary>A small qcow2: 64 MiB for the guest, some 200 KiB of data here and there.</summary>
    public Task<string> SmallAsync(string variant = "a") => MakeAsync($"small-{variant}.qcow2", async file =>
    {
        var raw = $"{file}.raw";
        await WriteAsync(raw, 64L << 20, data: 192 << 10, pieces: 3);
        await Shell.RunAsync("qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-o", "cluster_size=4k", raw, file);
        File.Delete(raw);
    });

    /// <summary>The same with the usual clusters of 64 KiB, whose tables have room for much larger disks.</summary>
    public Task<string> RoomyAsync() => MakeAsync("roomy.qcow2", async file =>
    {
        var raw = $"{file}.raw";
        await WriteAsync(raw, 64L << 20, data: 192 << 10, pieces: 3);
        await Shell.RunAsync("qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, file);
        File.Delete(raw);
    });

    /// <summary>A raw image that takes three shards of 64 MiB, with some data in each and holes in between.</summary>
    public Task<string> LargeAsync(string variant = "a") =>
        MakeAsync($"large-{variant}.raw", file => WriteAsync(file, 130L << 20, data: 65 * (8 << 10), pieces: 65));

    /// <summary>A raw image without holes.</summary>
    public Task<string> SolidAsync(int mib) => MakeAsync(
        string.Create(CultureInfo.InvariantCulture, $"solid-{mib}.raw"), file => WriteAsync(file, (long)mib << 20, mib << 20, pieces: 1));

    /// <summary>A raw image of 256 MiB that is nearly all hole.</summary>
    public Task<string> SparseAsync() => MakeAsync("sparse.raw", file => WriteAsync(file, 256L << 20, data: 1 << 20, pieces: 4));

    private async Task<string> MakeAsync(string name, Func<string, Task> make)
    {
        Directory.CreateDirectory(directory);
        var file = Path.Combine(directory, name);
        if (!File.Exists(file))
        {
            await make(file);

            // What was written just now is not copied yet.
            File.SetLastWriteTimeUtc(file, File.GetLastWriteTimeUtc(file).AddHours(-1));
        }

        return file;
    }

    private static async Task WriteAsync(string file, long length, int data, int pieces)
    {
        var block = new byte[data / pieces];
        await using var stream = File.Create(file);
        stream.SetLength(length);
        for (var piece = 0; piece < pieces; piece++)
        {
            Random.Shared.NextBytes(block);
            stream.Position = length / pieces * piece;
            await stream.WriteAsync(block);
        }
    }
}
