using System.Diagnostics;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>What a program said.</summary>
internal sealed record Said(int ExitCode, string Output, string Error);

/// <summary>Runs programs: argument lists, no shell in between, and always a limit.</summary>
internal static class Shell
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Runs a program that must succeed.</summary>
    public static Task<string> RunAsync(params string[] command) => RunAsync(Limit, command);

    /// <summary>Runs a program that must succeed, and may take longer than others.</summary>
    public static async Task<string> RunAsync(TimeSpan within, params string[] command)
    {
        var said = await TryAsync(within, command);
        return said.ExitCode == 0
            ? said.Output
            : throw new InvalidOperationException($"`{string.Join(' ', command)}` ended with {said.ExitCode}: {said.Output}{said.Error}");
    }

    /// <summary>Runs a program whose failure is an answer too.</summary>
    public static Task<Said> TryAsync(params string[] command) => TryAsync(Limit, command);

    /// <summary>Starts a program and leaves it running, with / as its directory, as systemd would.</summary>
    public static Process Start(IReadOnlyList<string> command, bool redirect = false)
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            UseShellExecute = false,
            WorkingDirectory = "/",
            RedirectStandardInput = true,
            RedirectStandardOutput = redirect,
            RedirectStandardError = redirect,
        };
        var process = Process.Start(start)!;
        process.StandardInput.Close();
        return process;
    }

    private static async Task<Said> TryAsync(TimeSpan within, string[] command)
    {
        using var process = Start(command, redirect: true);
        using var limit = new CancellationTokenSource(within);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var error = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return new Said(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException late)
        {
            process.Kill();
            throw new TimeoutException($"`{string.Join(' ', command)}` did not end within {within.TotalSeconds} s", late);
        }
    }
}
