using System.Diagnostics;
using System.Globalization;
using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.IntegrationTests.Service;

/// <summary>A machine with a systemd of its own, over a copy of this machine's files: a test may install on it what it likes.</summary>
internal sealed class Machine : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private readonly Process process;
    private string systemd = "";

    private Machine(Process process) => this.process = process;

    /// <summary>Boots one; the packages lie in <c>/run/packages</c>.</summary>
    public static async Task<Machine> BootAsync()
    {
        string[] namespaces = ["--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup", "--fork", "--kill-child"];
        var log = Path.Combine(Repository.Logs, "machine.log");
        var machine = new Machine(Shell.Start(
            ["sh", "-c", """exec "$@" >"$0" 2>&1""", log, "unshare", .. namespaces, "bash", Path.Combine(Repository.Root, "tests/StorageHost.IntegrationTests/Fixtures/machine.sh"), Repository.Packages]));
        await Wait.UntilAsync($"systemd to run; {log} says more", machine.IsUpAsync, seconds: 120);
        return machine;
    }

    /// <summary>Runs a script there, every line of which must succeed.</summary>
    public Task<string> RunAsync(string script) => Shell.RunAsync(Limit, [.. Enter(), "bash", "-euo", "pipefail", "-c", script]);

    /// <summary>Runs one that may fail.</summary>
    public Task<Said> TryAsync(string script) => Shell.TryAsync([.. Enter(), "bash", "-c", script]);

    /// <summary>Waits until a command there prints this.</summary>
    public async Task UntilAsync(string script, string output, int seconds = 60) =>
        await Wait.UntilAsync($"`{script}` to print {output}", async () => (await TryAsync(script)).Output.Contains(output, StringComparison.Ordinal), seconds);

    public async ValueTask DisposeAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }

    private string[] Enter() => ["nsenter", "--target", systemd, "--all"];

    private async Task<bool> IsUpAsync()
    {
        var id = process.Id.ToString(CultureInfo.InvariantCulture);
        systemd = (await File.ReadAllTextAsync($"/proc/{id}/task/{id}/children")).Trim();
        return systemd.Length > 0 && await File.ReadAllTextAsync($"/proc/{systemd}/comm") == "systemd\n"
            && (await TryAsync("systemctl is-system-running")).Output is "running\n" or "degraded\n";
    }
}
