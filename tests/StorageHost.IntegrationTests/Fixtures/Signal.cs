using System.ComponentModel;
using System.Globalization;
using System.Runtime.InteropServices;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>
/// Sends signals itself: a program that were to do it would first close what the tests have open, which on a mount that hangs lasts until
/// somebody wakes its client.
/// </summary>
internal static partial class Signal
{
    public const int Hangup = 1;
    public const int Interrupt = 2;
    public const int Kill = 9;
    public const int Terminate = 15;
    public const int Continue = 18;
    public const int Stop = 19;

    /// <summary>Sends one to a process that must be there.</summary>
    public static void Send(int signal, int process)
    {
        if (SendTo(process, signal) < 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError(), string.Create(CultureInfo.InvariantCulture, $"kill -{signal} {process}: errno {Marshal.GetLastPInvokeError()}"));
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendTo(int process, int signal);
}
