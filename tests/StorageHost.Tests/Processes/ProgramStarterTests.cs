using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using StorageHost.Processes;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Processes;

public sealed class ProgramStarterTests : IDisposable
{
    private readonly Scratch scratch = new();
    private readonly ProcessRunner runner = new(TestMeters.OfProcesses(), TimeProvider.System, NullLogger<ProcessRunner>.Instance);

    public void Dispose() => scratch.Dispose();

    [Fact]
    public async Task What_is_opened_later_is_open_for_every_thread_but_the_one_that_starts_programs()
    {
        await using var file = File.Create(scratch.File("opened"));

        // As many as make the thread pool grow.
        await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => RunAsync("sleep 0.1")));

        var apart = Directory.GetDirectories("/proc/self/task").Where(thread => Files(thread) is { } files && !files.Contains(file.Name));
        Assert.Equal(ProgramStarter.ThreadName, string.Join(' ', apart.Select(NameOf).Where(name => !name.StartsWith(".NET ", StringComparison.Ordinal))));
    }

    [Fact]
    public async Task A_program_leads_a_session_of_its_own_and_has_nothing_to_read()
    {
        var result = await RunAsync("readlink /proc/$$/fd/0; pwd; echo $$ $$; cut -d' ' -f5,6 /proc/$$/stat");

        var lines = result.Output.Split('\n');
        Assert.Equal(["/dev/null", "/"], lines[..2]);
        Assert.Equal(lines[2], lines[3]);
    }

    [Fact]
    public async Task A_program_ignores_and_blocks_no_signal()
    {
        var result = await runner.RunAsync(new ProcessCommand("grep", ["-E", "^Sig(Blk|Ign)", "/proc/self/status"]), CancellationToken.None);

        Assert.Equal("SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n", result.Output);
    }

    [Theory]
    [InlineData("exit 3")]
    [InlineData("kill -9 $$")]
    [InlineData("sleep 60 & exit 0")]
    [InlineData("exec sleep 60")]
    [InlineData("trap '' TERM; while :; do sleep 60; done")]
    public async Task Whatever_becomes_of_a_program_no_zombie_stays(string script)
    {
        var command = new ProcessCommand("sh", ["-c", $"echo $$ > {scratch.File("pid")}; {script}"])
        {
            Timeout = TimeSpan.FromSeconds(2),
            Grace = TimeSpan.FromMilliseconds(100),
        };

        await Record.ExceptionAsync(() => runner.RunAsync(command, CancellationToken.None));

        var pid = await scratch.PidAsync("pid");
        Assert.False(Directory.Exists(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}")));
    }

    // The runtime makes its threads for compiling on whichever thread finds that they are needed.
    private static string NameOf(string thread)
    {
        try
        {
            return File.ReadAllText(Path.Combine(thread, "comm")).TrimEnd('\n');
        }
        catch (IOException)
        {
            return ".NET thread that has ended";
        }
    }

    // Null for a thread that has ended meanwhile; a descriptor may be closed meanwhile, too.
    private static HashSet<string>? Files(string thread)
    {
        try
        {
            return Directory.GetFiles(Path.Combine(thread, "fd")).Select(Target).OfType<string>().ToHashSet(StringComparer.Ordinal) is { Count: > 0 } files ? files : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static string? Target(string descriptor)
    {
        try
        {
            return new FileInfo(descriptor).LinkTarget;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private Task<ProcessResult> RunAsync(string script) => runner.RunAsync(new ProcessCommand("sh", ["-c", script]), CancellationToken.None);
}
