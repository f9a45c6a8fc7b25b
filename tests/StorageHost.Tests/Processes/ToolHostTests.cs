using System.Globalization;
using StorageHost.Processes;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Processes;

/// <summary>What becomes of programs, and of callers, when the process that runs them does not do as it should.</summary>
public sealed class ToolHostTests : IAsyncLifetime
{
    private readonly Scratch scratch = new();
    private readonly ListLog<ToolHost> log = new();
    private readonly ToolHost host;
    private readonly ProcessRunner runner;

    public ToolHostTests()
    {
        host = new ToolHost(TimeProvider.System, log);
        runner = Programs.RunnerIn(host);
    }

    public Task InitializeAsync() => host.StartAsync();

    public async Task DisposeAsync()
    {
        await host.DisposeAsync();
        scratch.Dispose();
    }

    [Fact]
    public async Task What_is_opened_later_is_not_open_there()
    {
        await using var file = File.Create(scratch.File("opened"));

        var open = Directory.GetFiles($"/proc/{await FindAsync()}/fd").Select(descriptor => new FileInfo(descriptor).LinkTarget);

        Assert.DoesNotContain(file.Name, open, StringComparer.Ordinal);
    }

    [Fact]
    public async Task When_it_dies_what_it_ran_dies_with_it_and_the_next_program_has_another()
    {
        var before = await FindAsync();
        var run = RunAsync($"echo $$ > {scratch.File("pid")}; exec sleep 60");
        var program = await WrittenPidAsync();

        await SendAsync("KILL", before);
        var result = await run;

        Assert.Equal((137, "the process that runs programs has ended"), (result.ExitCode, result.Error));
        await Pids.GoneAsync(program);
        Assert.NotEqual(before, await FindAsync());
        await Eventually.HoldsAsync(() => log.Lines.Any(line => line.Contains($"({before}) has ended", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task When_its_daemon_ends_it_ends_and_what_it_ran_with_it()
    {
        var self = await FindAsync();
        var run = RunAsync($"trap '' INT TERM; echo $$ > {scratch.File("pid")}; sleep 60 & wait");
        var program = await WrittenPidAsync();

        await host.DisposeAsync();

        Assert.Equal(137, (await run).ExitCode);
        await Pids.GoneAsync(self);
        await Pids.GoneAsync(program);
        Assert.Empty(log.Lines);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => RunAsync("exit"));
    }

    [Fact]
    public async Task What_asks_the_daemon_to_end_does_not_end_it()
    {
        var before = await FindAsync();

        await SendAsync("TERM", before);

        Assert.Equal(before, await FindAsync());
    }

    [Fact]
    public async Task When_it_is_stuck_it_is_given_up()
    {
        using var session = new ToolSession(_ => { });
        await SendAsync("STOP", session.ProcessId);

        var answer = await session.RunAsync(new ProcessCommand("true", []), TimeSpan.FromMilliseconds(200), TimeProvider.System, CancellationToken.None);

        Assert.Null(answer);
        await session.Ended.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Null(await session.RunAsync(new ProcessCommand("true", []), TimeSpan.FromMinutes(1), TimeProvider.System, CancellationToken.None));
    }

    [Fact]
    public async Task Runs_programs_side_by_side()
    {
        var results = await Task.WhenAll(Enumerable.Range(0, 20).Select(number => RunAsync(string.Create(CultureInfo.InvariantCulture, $"sleep 0.2; echo {number}"))));

        Assert.Equal(Enumerable.Range(0, 20), results.Select(result => int.Parse(result.Output, CultureInfo.InvariantCulture)));
    }

    private static async Task SendAsync(string signal, int pid) =>
        Assert.Equal(0, (await Programs.Runner.RunAsync(new ProcessCommand("kill", ["-s", signal, Number(pid)]), CancellationToken.None)).ExitCode);

    private static string Number(int pid) => pid.ToString(CultureInfo.InvariantCulture);

    /// <summary>The parent of a program.</summary>
    private async Task<int> FindAsync() => int.Parse((await RunAsync("echo $PPID")).Output, CultureInfo.InvariantCulture);

    private Task<ProcessResult> RunAsync(string script) => runner.RunAsync(new ProcessCommand("sh", ["-c", script]), CancellationToken.None);

    private async Task<int> WrittenPidAsync()
    {
        await Eventually.HoldsAsync(() => File.Exists(scratch.File("pid")) && new FileInfo(scratch.File("pid")).Length > 0);
        return await scratch.PidAsync("pid");
    }
}
