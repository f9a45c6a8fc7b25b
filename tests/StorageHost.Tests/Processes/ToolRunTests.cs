using System.Globalization;
using StorageHost.Processes;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Processes;

public sealed class ToolRunTests : IDisposable
{
    private readonly Scratch scratch = new();
    private readonly ProcessRunner runner = Programs.Runner;

    public void Dispose() => scratch.Dispose();

    [Fact]
    public async Task A_program_leads_a_session_of_its_own_and_has_nothing_to_read()
    {
        var result = await RunAsync("cat; pwd; echo $$ $$; cut -d' ' -f5,6 /proc/$$/stat");

        var lines = result.Output.Split('\n');
        Assert.Equal("/", lines[0]);
        Assert.Equal(lines[1], lines[2]);
    }

    [Fact]
    public async Task A_program_ignores_and_blocks_no_signal()
    {
        var result = await runner.RunAsync(new ProcessCommand("grep", ["-E", "^Sig(Blk|Ign)", "/proc/self/status"]), CancellationToken.None);

        // But for a hangup, where the tests themselves are run by nohup.
        Assert.Matches(@"^SigBlk:\t0000000000000000\nSigIgn:\t000000000000000[01]\n$", result.Output);
    }

    [Theory]
    [InlineData("exit 3")]
    [InlineData("kill -9 $$")]
    [InlineData("sleep 60 & exit 0")]
    [InlineData("exec sleep 60")]
    [InlineData("trap '' INT TERM; while :; do sleep 60; done")]
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

    private Task<ProcessResult> RunAsync(string script) => runner.RunAsync(new ProcessCommand("sh", ["-c", script]), CancellationToken.None);
}
