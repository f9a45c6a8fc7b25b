using System.Runtime.InteropServices;

namespace StorageHost.IntegrationTests.Interception;

/// <summary>ptrace(2) on 64-bit x86. All calls about a traced thread must come from the thread that seized it.</summary>
internal static unsafe partial class Ptrace
{
    public const int Resume = 24; // PTRACE_SYSCALL: until the next system call begins or ends
    public const int Interrupt = 0x4207;
    public const int StayStopped = 0x4208; // PTRACE_LISTEN

    /// <summary>A stop that is a system call's has this bit beside SIGTRAP.</summary>
    public const int SystemCallStop = 5 | 0x80;

    /// <summary>The stop of a thread that was interrupted, or has just been born.</summary>
    public const int EventStop = 128;

    private const int Poke = 6;
    private const int Seize = 0x4206;
    private const int GetSystemCallInfo = 0x420e;
    private const int GoodStopsAndDescendants = 1 | 2 | 4 | 8; // TRACESYSGOOD, TRACEFORK, TRACEVFORK, TRACECLONE
    private const int Result = 10 * sizeof(long); // rax in struct user
    private const int Number = 15 * sizeof(long); // orig_rax
    private const int AllThreads = 0x40000000;
    private const int OwnTracees = 0x20000000; // __WNOTHREAD: not the children that other threads of this process started

    /// <summary>Takes hold of a thread; false when it has ended.</summary>
    public static bool TrySeize(int thread) => Call(Seize, thread, 0, GoodStopsAndDescendants) == 0 && Call(Interrupt, thread, 0, 0) == 0;

    public static void Continue(int thread, int how, int signal = 0) => Call(how, thread, 0, signal);

    /// <summary>The system call that a thread is at; null when it is at the end of one.</summary>
    public static Entry? EntryOf(int thread)
    {
        Entry entry;
        return Call(GetSystemCallInfo, thread, sizeof(Entry), (nint)(&entry)) > 0 && entry.Kind == 1 ? entry : null;
    }

    /// <summary>Makes the system call that a thread is about to make fail, as the verdict says.</summary>
    public static void Fail(int thread, Verdict verdict)
    {
        if (!verdict.IsMade)
        {
            Call(Poke, thread, Number, -1);
        }

        Call(Resume, thread, 0, 0);
        if (WaitFor(thread, AllThreads) is { Signal: SystemCallStop })
        {
            Call(Poke, thread, Result, -verdict.Errno);
        }
    }

    /// <summary>Waits until one of this thread's tracees stops or ends; null when there is none left.</summary>
    public static Stop? Wait() => WaitFor(-1, AllThreads | OwnTracees);

    private static Stop? WaitFor(int thread, int options)
    {
        int status;
        var stopped = WaitPid(thread, &status, options);
        return stopped > 0 ? new Stop(stopped, (status & 0xff) == 0x7f, (status >> 8) & 0xff, status >> 16) : null;
    }

    private static nint Call(int request, int thread, nint address, nint data) => Native(request, thread, address, data);

    [LibraryImport("libc", EntryPoint = "ptrace", SetLastError = true)]
    private static partial nint Native(long request, int thread, nint address, nint data);

    [LibraryImport("libc", EntryPoint = "waitpid", SetLastError = true)]
    private static partial int WaitPid(int thread, int* status, int options);

    /// <summary>struct ptrace_syscall_info where a call begins.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 88)]
    public struct Entry
    {
        [FieldOffset(0)] public byte Kind;
        [FieldOffset(24)] public long Number;
        [FieldOffset(32)] public fixed long Arguments[6];
    }

    /// <summary>A traced thread that stopped, or has ended.</summary>
    /// <param name="Thread">Its number.</param>
    /// <param name="Lives">False when it has ended.</param>
    /// <param name="Signal">The signal that it stopped with.</param>
    /// <param name="Event">What ptrace has to tell of it; 0 when nothing.</param>
    public readonly record struct Stop(int Thread, bool Lives, int Signal, int Event);
}
