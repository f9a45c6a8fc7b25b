using System.Globalization;
using StorageHost.Processes;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Processes;

public sealed class ProcessRunnerTests
{
    private readonly ProcessRunner _runner = Programs.Runner;

    [Fact]
    public async Task Gives_the_exit_code_and_both_streams()
    {
        var result = await RunAsync("echo out; echo err >&2; exit 3");

        Assert.Equal(3, result.ExitCode);
        Assert.Equal("out\n", result.Output);
        Assert.Equal("err\n", result.Error);
        Assert.False(result.Truncated);
        Assert.True(result.Duration > TimeSpan.Zero);
    }

    [Fact]
    public async Task Hands_arguments_over_exactly()
    {
        string[] odd = ["", " a  b ", "\"q\"", @"back\slash\", "$HOME `id` $(id)", "*", "-n", "é\n", "'"];

        var result = await _runner.RunAsync(new ProcessCommand("printf", [@"%s\0", .. odd]), CancellationToken.None);

        Assert.Equal(odd, result.Output.Split('\0')[..^1]);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("cut\0short")]
    public async Task Takes_no_argument_that_it_could_not_hand_over(string? argument)
    {
        await Assert.ThrowsAsync<ArgumentException>(() => _runner.RunAsync(new ProcessCommand("printf", ["%s", argument!]), CancellationToken.None));
    }

    [Fact]
    public async Task Gives_the_child_a_bare_environment_and_no_input()
    {
        Environment.SetEnvironmentVariable("STORAGEHOST_TEST_TOKEN", "secret");

        var environment = await _runner.RunAsync(new ProcessCommand("env", []), CancellationToken.None);
        var input = await RunAsync("cat; echo end");

        Assert.Equal(
            $"LC_ALL=C\nMALLOC_ARENA_MAX=2\nPATH={Environment.GetEnvironmentVariable("PATH")}",
            string.Join('\n', environment.Output.TrimEnd('\n').Split('\n').Order(StringComparer.Ordinal)));
        Assert.Equal("end\n", input.Output);
    }

    [Fact]
    public async Task Sets_the_limits()
    {
        var command = Shell("ulimit -v; ulimit -t; ulimit -c") with { MemoryBytes = 512L << 20, CpuTime = TimeSpan.FromSeconds(7) };

        var result = await _runner.RunAsync(command, CancellationToken.None);

        Assert.Equal("524288\n7\n0\n", result.Output);
    }

    [Fact]
    public async Task Limits_processor_time_to_the_deadline_unless_told_otherwise()
    {
        var result = await _runner.RunAsync(Shell("ulimit -t") with { Timeout = TimeSpan.FromSeconds(12.5) }, CancellationToken.None);

        Assert.Equal("13\n", result.Output);
    }

    [Theory]
    [InlineData("no-such-program")]
    [InlineData("/no/such/program")]
    [InlineData("/etc/passwd")]
    public async Task Says_that_a_program_could_not_be_started(string program)
    {
        var fault = await Assert.ThrowsAsync<ProcessNotStartedException>(
            () => _runner.RunAsync(new ProcessCommand(program, []), CancellationToken.None));

        Assert.Contains(program, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Leaves_a_programs_own_exit_code_127_alone()
    {
        Assert.Equal(127, (await RunAsync("exit 127")).ExitCode);
    }

    [Theory]
    [InlineData(100, false)]
    [InlineData(99, true)]
    public async Task Knows_whether_anything_was_cut_off(int limit, bool truncated)
    {
        var result = await _runner.RunAsync(Shell("head -c 100 /dev/zero") with { OutputBytes = limit }, CancellationToken.None);

        Assert.Equal((limit, truncated), (result.Output.Length, result.Truncated));
    }

    [Fact]
    public async Task Stops_the_child_at_the_deadline()
    {
        using var scratch = new Scratch();
        var command = Shell($"echo $$ > {scratch.File("pid")}; exec sleep 60") with { Timeout = TimeSpan.FromSeconds(2) };

        var fault = await Assert.ThrowsAsync<ProcessTimedOutException>(() => _runner.RunAsync(command, CancellationToken.None));

        Assert.Equal("sh did not end within 2 s", fault.Message);
        Assert.False(Pids.IsAlive(await scratch.PidAsync("pid")));
    }

    [Fact]
    public async Task Interrupts_before_it_kills()
    {
        using var scratch = new Scratch();
        var command = Shell($"trap 'echo bye > {scratch.File("bye")}; exit' INT; sleep 60 & echo $$ > {scratch.File("pid")}; wait") with
        {
            Grace = TimeSpan.FromSeconds(20),
        };

        await RunUntilAsync(scratch, "pid", command);

        Assert.Equal("bye\n", await File.ReadAllTextAsync(scratch.File("bye")));
        Assert.False(Pids.IsAlive(await scratch.PidAsync("pid")));
    }

    [Fact]
    public async Task Kills_what_ignores_the_interrupt_and_what_that_started()
    {
        using var scratch = new Scratch();
        var (pid, child) = (scratch.File("pid"), scratch.File("child"));
        var script = $"trap '' TERM INT; echo $$ > {pid}; sleep 60 & echo $! > {child}; while :; do wait; done";

        await RunUntilAsync(scratch, "child", Shell(script) with { Grace = TimeSpan.FromMilliseconds(100) });

        Assert.False(Pids.IsAlive(await scratch.PidAsync("pid")));
        await Pids.GoneAsync(await scratch.PidAsync("child"));
    }

    [Theory]
    [InlineData("")]
    [InlineData(">/dev/null 2>&1")]
    public async Task Leaves_nothing_over_of_a_child_that_ended(string redirection)
    {
        var result = await RunAsync($"sleep 60 {redirection} & echo $!");

        await Pids.GoneAsync(int.Parse(result.Output, CultureInfo.InvariantCulture));
        Assert.False(result.Truncated);
        Assert.InRange(result.Duration, TimeSpan.Zero, TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task Does_not_wait_for_a_grandchild_that_left_the_group_and_holds_the_output()
    {
        using var scratch = new Scratch();

        var pid = scratch.File("pid");
        var result = await RunAsync($"echo before; setsid sh -c 'echo $$ > {pid}; exec sleep 30' & while ! [ -s {pid} ]; do :; done");

        System.Diagnostics.Process.GetProcessById(await scratch.PidAsync("pid")).Kill();
        Assert.Equal((0, "before\n", true), (result.ExitCode, result.Output, result.Truncated));
        Assert.InRange(result.Duration, TimeSpan.Zero, TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task Starts_nothing_when_cancelled_already()
    {
        using var scratch = new Scratch();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => _runner.RunAsync(Shell($"echo $$ > {scratch.File("pid")}"), new CancellationToken(canceled: true)));

        Assert.False(File.Exists(scratch.File("pid")));
    }

    [Fact]
    public async Task Reports_the_signal_that_ended_a_child()
    {
        Assert.Equal(128 + 9, (await RunAsync("kill -9 $$")).ExitCode);
    }

    private static ProcessCommand Shell(string script) => new("sh", ["-c", script]);

    private Task<ProcessResult> RunAsync(string script) => _runner.RunAsync(Shell(script), CancellationToken.None);

    /// <summary>Runs a script until it has written a file, then cancels it and waits for that to be done.</summary>
    private async Task RunUntilAsync(Scratch scratch, string file, ProcessCommand command)
    {
        using var cancel = new CancellationTokenSource();
        var run = _runner.RunAsync(command, cancel.Token);
        while (!run.IsCompleted && !(File.Exists(scratch.File(file)) && new FileInfo(scratch.File(file)).Length > 0))
        {
            await Task.Delay(10);
        }

        await cancel.CancelAsync();
        var fault = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        Assert.Equal(cancel.Token, fault.CancellationToken);
    }
}
