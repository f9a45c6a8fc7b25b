using System.Runtime.CompilerServices;
using StorageHost.Processes;

namespace StorageHost.Tests.Support;

/// <summary>Makes the starter of programs before any test opens a file, as the daemon does: it would hold open, and locked, what is open by then.</summary>
internal static class EarlyStarter
{
    [ModuleInitializer]
    internal static void Begin() => ProgramStarter.Begin();
}
