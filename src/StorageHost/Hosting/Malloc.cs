using System.Runtime.InteropServices;

namespace StorageHost.Hosting;

/// <summary>The allocator of the C library, which the runtime, its compiler and OpenSSL take their memory from (mallopt(3)).</summary>
internal static partial class Malloc
{
    /// <summary>M_ARENA_MAX.</summary>
    private const int ArenaMax = -8;

    /// <summary>
    /// Has all threads share two arenas. Else there are eight for each processor, each keeps what it once had, and a daemon beside virtual
    /// machines holds tens of megabytes that nobody uses.
    /// </summary>
    public static void LimitArenas() => _ = SetOption(ArenaMax, 2);

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int SetOption(int parameter, int value);
}
