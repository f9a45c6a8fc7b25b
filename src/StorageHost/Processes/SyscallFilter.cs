using System.Runtime.InteropServices;

namespace StorageHost.Processes;

/// <summary>
/// Which system calls this thread, and whatever it becomes, can still make (seccomp): none that opens a file for writing or changes names,
/// no socket but Unix ones, and none that reaches into other processes.
/// </summary>
internal static unsafe partial class SyscallFilter
{
    private const int SetSeccomp = 22; // PR_SET_SECCOMP
    private const int Filter = 2; // SECCOMP_MODE_FILTER

    private const uint Kill = 0x8000_0000; // SECCOMP_RET_KILL_PROCESS
    private const uint Deny = 0x0005_0001; // SECCOMP_RET_ERRNO, EPERM
    private const uint Allow = 0x7fff_0000; // SECCOMP_RET_ALLOW
    private const uint X64 = 0xc000_003e; // AUDIT_ARCH_X86_64
    private const uint OtherAbi = 0x4000_0000; // __X32_SYSCALL_BIT

    private const ushort Load = 0x20; // BPF_LD | BPF_W | BPF_ABS
    private const ushort JumpEqual = 0x15;
    private const ushort JumpAtLeast = 0x35;
    private const ushort JumpAnyBit = 0x45;
    private const ushort Return = 0x06;

    private const uint Number = 0; // offsets in struct seccomp_data
    private const uint Architecture = 4;
    private const uint FirstArgument = 16;
    private const uint SecondArgument = 24;
    private const uint ThirdArgument = 32;

    private const uint Socket = 41;
    private const uint Open = 2;
    private const uint OpenAt = 257;
    private const uint UnixFamily = 1;

    /// <summary>O_WRONLY, O_RDWR, O_CREAT.</summary>
    private const uint ForWriting = 0x43;

    /// <summary>By their numbers on x86-64.</summary>
    private static readonly uint[] Denied =
    [
        // creat, openat2, truncate, and whatever gives, moves or takes names
        85, 437, 76, 82, 83, 84, 86, 87, 88, 133, 258, 259, 263, 264, 265, 266, 316,

        // chmod, chown, setxattr
        90, 92, 94, 260, 268, 452, 188, 189, 190,

        // bind, listen, accept: it connects, and nobody to it
        49, 50, 43, 288,

        // ptrace, process_vm_readv and writev, kill, tkill, pidfd_open, pidfd_send_signal, pidfd_getfd
        101, 310, 311, 62, 200, 434, 424, 438,

        // io_uring_setup, bpf, perf_event_open, userfaultfd, keyctl, add_key, open_by_handle_at, mount, umount2, unshare, setns
        425, 321, 298, 323, 250, 248, 304, 165, 166, 272, 308,
    ];

    /// <summary>Installs it; false when the kernel cannot. It takes PR_SET_NO_NEW_PRIVS.</summary>
    public static bool TryInstall()
    {
        List<Instruction> made =
        [
            new(Load, 0, 0, Architecture), new(JumpEqual, 1, 0, X64), new(Return, 0, 0, Kill),
            new(Load, 0, 0, Number), new(JumpAtLeast, 0, 1, OtherAbi), new(Return, 0, 0, Deny),
            .. Denied.SelectMany(number => new Instruction[] { new(JumpEqual, 0, 1, number), new(Return, 0, 0, Deny) }),
            .. Only(Socket, FirstArgument, new(JumpEqual, 1, 0, UnixFamily)),
            .. Only(Open, SecondArgument, new(JumpAnyBit, 0, 1, ForWriting)),
            .. Only(OpenAt, ThirdArgument, new(JumpAnyBit, 0, 1, ForWriting)),
            new(Return, 0, 0, Allow),
        ];
        fixed (Instruction* start = made.ToArray())
        {
            var program = new Program { Length = (ushort)made.Count, Start = start };
            return Control(SetSeccomp, Filter, &program) == 0;
        }
    }

    /// <summary>One call, allowed when the jump over the denial is taken.</summary>
    private static Instruction[] Only(uint number, uint argument, Instruction jump) =>
        [new(JumpEqual, 0, 4, number), new(Load, 0, 0, argument), jump, new(Return, 0, 0, Deny), new(Return, 0, 0, Allow)];

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int Control(int option, nuint mode, Program* program);

    /// <summary>struct sock_filter: what is jumped is counted in instructions.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Instruction(ushort Code, byte IfTrue, byte IfFalse, uint Value);

    /// <summary>struct sock_fprog.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Program
    {
        public ushort Length;
        public Instruction* Start;
    }
}
