using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging.Abstractions;
using StorageHost.Processes;

namespace StorageHost.Tests.Support;

/// <summary>Runs programs for tests, all of them in one tool host, which ends with the tests.</summary>
internal static class Programs
{
    private static readonly ToolHost Host = new(TimeProvider.System, NullLogger<ToolHost>.Instance);

    public static ProcessRunner Runner { get; } = RunnerIn(Host);

    /// <summary>A runner with a tool host of its own.</summary>
    public static ProcessRunner RunnerIn(ToolHost host) =>
        new(host, TestMeters.OfProcesses(), TimeProvider.System, NullLogger<ProcessRunner>.Instance);

    /// <summary>Before any test opens a file, as the daemon does: until its exec a new process has it open, and locked, too.</summary>
    [ModuleInitializer]
    internal static void Begin() => _ = Host.StartAsync();
}
