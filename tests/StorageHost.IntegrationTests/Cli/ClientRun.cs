using System.Diagnostics;
using System.Globalization;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Cli;

/// <summary>Runs the published program as its own client, in an environment that says nothing but where the servers are.</summary>
internal sealed class ClientRun
{
    private readonly Process process;
    private readonly Task<string> output;
    private readonly Task<string> errors;

    private ClientRun(Process process)
    {
        this.process = process;
        (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
    }

    public int Pid => process.Id;

    /// <summary>The addresses of daemons, as the client is told them.</summary>
    public static string Servers(params Daemon[] daemons) => string.Join(',', daemons.Select(daemon => daemon.Client.Address.GetLeftPart(UriPartial.Authority)));

    /// <summary>Runs a command without a terminal.</summary>
    public static Task<Said> RunAsync(string servers, params string[] words) => Start(servers, words).EndAsync();

    /// <summary>Runs a command that must succeed, and gives its data.</summary>
    public static async Task<string> DoAsync(string servers, params string[] words)
    {
        var said = await RunAsync(servers, words);
        Assert.True(said.ExitCode == 0, $"{string.Join(' ', words)} ended with {said.ExitCode}: {said.Output}{said.Error}");
        return said.Output;
    }

    /// <summary>Runs a command line of bash, in which the program is <c>$0</c>.</summary>
    public static Task<Said> BashAsync(string servers, string line) => Shell.TryAsync([.. Environment(servers), "bash", "-c", line, Repository.Daemon]);

    /// <summary>Runs a command on a pseudo-terminal; gives what was drawn.</summary>
    /// <param name="servers">The servers.</param>
    /// <param name="typed">What somebody types.</param>
    /// <param name="variable">A variable to set besides.</param>
    /// <param name="words">The command.</param>
    public static Task<Said> OnTerminalAsync(string servers, string typed, string variable, params string[] words) => Shell.TryAsync(
        [.. Environment(servers), variable, "TERM=xterm-256color", "bash", "-c", """(sleep 1; printf '%s\n' "$1"; sleep 5) | script -qec "stty cols 150; $2" /dev/null""", "bash", typed, $"{Repository.Daemon} {string.Join(' ', words)}"]);

    /// <summary>Starts a command, and does not wait.</summary>
    public static ClientRun Start(string servers, params string[] words)
    {
        string[] command = [.. Environment(servers), Repository.Daemon, .. words];
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            UseShellExecute = false,
            WorkingDirectory = "/",
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var started = Process.Start(start)!;
        started.StandardInput.Close();
        return new ClientRun(started);
    }

    public void Interrupt() => Signal.Send(Signal.Interrupt, Pid);

    /// <summary>Waits for its end.</summary>
    public async Task<Said> EndAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(100));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException late)
        {
            process.Kill();
            throw new TimeoutException($"The client does not end: {await output}{await errors}", late);
        }

        using (process)
        {
            return new Said(process.ExitCode, await output, await errors);
        }
    }

    // env becomes the program: its pid is the client's.
    private static string[] Environment(string servers) =>
        ["env", "--default-signal=INT", "-u", "XDG_CONFIG_HOME", "-u", "NO_COLOR", string.Create(CultureInfo.InvariantCulture, $"HOME={Lab.Directory}/nobody"), $"STORAGEHOST_SERVER={servers}"];
}
