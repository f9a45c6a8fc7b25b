using System.Net;
using System.Net.Sockets;
using StorageHost.Processes;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Processes;

/// <summary>What a caged program can do still.</summary>
public sealed class CageTests : IDisposable
{
    private readonly Scratch scratch = new();

    public void Dispose() => scratch.Dispose();

    [Fact]
    public async Task Programs_run_with_their_arguments_output_and_exit_code()
    {
        var result = await RunAsync("sh", "-c", "echo \"$1\"; echo err >&2; exit 7", "sh", "a  b");
        Assert.Equal((7, "a  b\n", "err\n"), (result.ExitCode, result.Output, result.Error));
    }

    [Fact]
    public async Task A_program_that_is_missing_is_told_so() =>
        await Assert.ThrowsAsync<ProcessNotStartedException>(() => RunAsync("storagehost-missing"));

    [Fact]
    public async Task A_program_that_lies_elsewhere_runs_when_it_is_named_by_its_path()
    {
        File.WriteAllText(scratch.File("tool"), "#!/bin/sh\necho ran");
        File.SetUnixFileMode(scratch.File("tool"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Assert.Equal("ran\n", (await RunAsync(scratch.File("tool"))).Output);
    }

    [Theory]
    [InlineData("cat /etc/passwd")]
    [InlineData("cat {0}")]
    [InlineData("ls {1}")]
    [InlineData("echo x > {0}")]
    [InlineData("echo x >> {0}")]
    [InlineData("echo x > {1}/new")]
    [InlineData("mkdir {1}/new")]
    [InlineData("rm {0}")]
    [InlineData("mv {0} {1}/new")]
    [InlineData("ln -s {0} {1}/new")]
    [InlineData("chmod 777 {0}")]
    [InlineData("truncate -s 0 {0}")]
    [InlineData("kill -0 {2}")]
    [InlineData("cat /proc/{2}/environ")]
    [InlineData("cat /proc/self/mounts")]
    [InlineData("unshare -U true")]
    public async Task No_file_can_be_opened_or_changed_and_no_process_reached(string command)
    {
        File.WriteAllText(scratch.File("secret"), "kept");
        var line = command.Replace("{0}", scratch.File("secret"), StringComparison.Ordinal).Replace("{1}", scratch.File(""), StringComparison.Ordinal)
            .Replace("{2}", $"{Environment.ProcessId}", StringComparison.Ordinal);
        var result = await RunAsync("sh", "-c", line);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Equal("", result.Output);
        Assert.Matches("denied|not permitted|No such process", result.Error);
        Assert.Equal(["secret"], Directory.GetFileSystemEntries(scratch.File("")).Select(Path.GetFileName), StringComparer.Ordinal);
        Assert.Equal("kept", File.ReadAllText(scratch.File("secret")));
    }

    [Fact]
    public async Task No_network_can_be_reached()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var result = await RunAsync("bash", "-c", $"exec 3<>/dev/tcp/127.0.0.1/{((IPEndPoint)listener.LocalEndpoint).Port}");
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("not permitted", result.Error, StringComparison.Ordinal);
        Assert.False(listener.Pending());
    }

    [Fact]
    public async Task Its_environment_is_bare() =>
        Assert.Equal(
            ["LC_ALL", "MALLOC_ARENA_MAX", "PATH"],
            (await RunAsync("env")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('=')[0]).Order(StringComparer.Ordinal), StringComparer.Ordinal);

    private static Task<ProcessResult> RunAsync(string program, params string[] arguments) => Programs.Runner.RunAsync(
        new ProcessCommand(program, arguments) { IsCaged = true }, CancellationToken.None);
}
