using StorageHost.Gluster;
using StorageHost.Processes;
using StorageHost.Tests.Processes;
using StorageHost.Tests.Support;

namespace StorageHost.Tests.Gluster;

/// <summary>A gluster program that does what a test tells it to, command by command, and writes down how it was run.</summary>
internal sealed class FakeGluster : IDisposable
{
    private readonly Scratch scratch = new();
    private readonly ProcessRunner runner = Programs.Runner;

    private FakeGluster()
    {
    }

    public GlusterOptions Options { get; } = new() { Timeout = TimeSpan.FromSeconds(20) };

    /// <summary>The arguments of each run.</summary>
    public IReadOnlyList<string> Calls => Lines("calls");

    /// <summary>Whether two of it ever ran at once.</summary>
    public bool Overlapped => Lines("overlapped").Length > 0;

    /// <summary>Those of its processes that still run.</summary>
    public IReadOnlyList<string> Alive => [.. Lines("pids").Where(pid => Directory.Exists($"/proc/{pid}"))];

    /// <summary>One that answers like a healthy cluster.</summary>
    public static async Task<FakeGluster> StartAsync()
    {
        var fake = new FakeGluster();
        fake.Options.Path = fake.scratch.File("gluster");
        var script = $"""
            #!/bin/sh
            cd {fake.scratch.File("")}
            touch pids
            for pid in $(cat pids); do kill -0 $pid 2>&- && echo "$*" >> overlapped; done
            echo $$ >> pids
            echo "$*" >> calls
            shift 2
            . "./$(echo "$*" | tr ' ' '_')"
            """;

        // Another process writes it: a child that a test beside this one forks meanwhile would hold it open for writing, and nothing that
        // is can be executed.
        string[] write = ["-c", "printf '%s\n' \"$2\" > \"$1\"; chmod 500 \"$1\"", "sh", fake.Options.Path, script];
        await fake.runner.RunAsync(new ProcessCommand("sh", write), CancellationToken.None);
        fake.Says("pool list", "pool-list.xml");
        fake.Says("volume info", "volume-info.xml");
        fake.Says("volume status all detail", "volume-status.xml");
        foreach (var volume in Canned.Layouts().Where(volume => volume.IsStarted && volume.Heals))
        {
            fake.Says($"volume heal {volume.Name} info summary", "heal-none.xml");
        }

        return fake;
    }

    /// <summary>From now on a command does this, in the shell's language.</summary>
    public void Does(string command, string script)
    {
        var name = scratch.File(command.Replace(' ', '_'));
        File.WriteAllText($"{name}.new", $"{script}\n");
        File.Move($"{name}.new", name, overwrite: true);
    }

    /// <summary>From now on a command prints a file of <see cref="Canned"/>.</summary>
    public void Says(string command, string file) => Does(command, $"cat {Canned.Path(file)}");

    /// <summary>From now on commands print the files of a folder of <see cref="Canned"/>, which are named like them; all others fail.</summary>
    public void SaysAll(string folder)
    {
        foreach (var command in Directory.GetFiles(scratch.File(""), "*_*"))
        {
            File.Delete(command);
        }

        foreach (var file in Directory.GetFiles(Canned.Path(folder)))
        {
            Says(Path.GetFileNameWithoutExtension(file), file);
        }
    }

    public TestMeters Meters { get; } = new();

    public GlusterCli Cli() => new(runner, new GlusterMetrics(Meters), Microsoft.Extensions.Options.Options.Create(Options));

    public void Dispose() => scratch.Dispose();

    private string[] Lines(string file) => File.Exists(scratch.File(file)) ? File.ReadAllLines(scratch.File(file)) : [];
}
