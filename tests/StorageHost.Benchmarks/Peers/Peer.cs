using System.Diagnostics;
using StorageHost.Benchmarks.Storage;
using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.Benchmarks.Peers;

/// <summary>What an operator would copy a template with.</summary>
/// <param name="Name">The command, as it stands in the table.</param>
/// <param name="Command">The whole command for a template and a new file's name, both in that directory.</param>
internal sealed record Peer(string Name, Func<Template, string, IEnumerable<string>> Command)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>The commands that need nothing running; paths are as the volume's own node names them.</summary>
    public static IReadOnlyList<Peer> Of(StorageArea area)
    {
        string Path(string file) => System.IO.Path.Combine(area.Directory, file);
        return
        [
            new("cp --sparse=always", (template, target) => ["cp", "--sparse=always", Path(template.FileName), Path(target)]),
            new("cp --reflink=auto", (template, target) => ["cp", "--reflink=auto", Path(template.FileName), Path(target)]),
            new("qemu-img convert -W -m 16", (template, target) =>
                ["qemu-img", "convert", "-W", "-m", "16", "-f", template.Format, "-O", template.Format, Path(template.FileName), Path(target)]),
        ];
    }

    /// <summary>Makes a copy that is as durable as ours is when we call it ready.</summary>
    /// <returns>How long the command took, and how long until the copy was durable; in milliseconds.</returns>
    public async Task<(double Bare, double Durable)> CopyAsync(StorageArea area, Template template, string target)
    {
        var start = Stopwatch.GetTimestamp();
        await Shell.RunAsync(Patience, area.Places[0].Command([.. Command(template, target)]));
        var bare = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        Durable.Sync(area.Seen(target));
        return (bare, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
    }
}
