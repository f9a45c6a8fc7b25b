using System.ComponentModel;
using System.Runtime.InteropServices;

namespace StorageHost.Processes;

/// <summary>Waiting for the end of a child that .NET does not know of.</summary>
internal static unsafe partial class ProcessEnd
{
    private const int OneProcess = 1; // P_PID
    private const int Exits = 4; // WEXITED
    private const int Keep = 0x0100_0000; // WNOWAIT
    private const int Interrupted = 4; // EINTR
    private const int ChildEnded = 17; // SIGCHLD
    private const int InformationWords = 16; // siginfo_t has 128 bytes
    private const int ActionWords = 19; // struct sigaction has 152 bytes, the first 8 of them the handler

    /// <summary>Has the kernel keep the ends of children for us. It would not if whoever started this process has it ignore SIGCHLD.</summary>
    public static void KeepEnds()
    {
        var action = stackalloc nint[ActionWords];
        if (SetAction(ChildEnded, null, action) == 0 && action[0] == 1 /* SIG_IGN */)
        {
            action[0] = 0; // SIG_DFL
            _ = SetAction(ChildEnded, action, null);
        }
    }

    /// <summary>Waits, however long it takes, until a child has ended. Its number stays its own until it is reaped.</summary>
    /// <exception cref="InvalidOperationException">There is no such child.</exception>
    public static void Await(int processId)
    {
        var information = stackalloc ulong[InformationWords];
        while (WaitForId(OneProcess, processId, information, Exits | Keep) != 0)
        {
            ThrowUnlessInterrupted();
        }
    }

    /// <summary>Gives up the number of a child that has ended.</summary>
    /// <returns>Its exit code, or 128 plus the number of the signal that ended it.</returns>
    public static int Reap(int processId)
    {
        int status;
        while (WaitForProcess(processId, &status, 0) < 0)
        {
            ThrowUnlessInterrupted();
        }

        return (status & 0x7f) is var signal and not 0 ? 128 + signal : (status >> 8) & 0xff;
    }

    private static void ThrowUnlessInterrupted()
    {
        if (Marshal.GetLastPInvokeError() is var error and not Interrupted)
        {
            throw new InvalidOperationException("the end of a program is lost", new Win32Exception(error));
        }
    }

    [LibraryImport("libc", EntryPoint = "sigaction")]
    private static partial int SetAction(int signal, nint* action, nint* before);

    [LibraryImport("libc", EntryPoint = "waitid", SetLastError = true)]
    private static partial int WaitForId(int kind, int id, ulong* information, int options);

    [LibraryImport("libc", EntryPoint = "waitpid", SetLastError = true)]
    private static partial int WaitForProcess(int processId, int* status, int options);
}
