using System.Runtime.CompilerServices;

namespace StorageHost.Files.Posix;

/// <summary>
/// Memory that direct I/O can read into and write from: it starts on a page and does not move. The collector frees it once no thread
/// uses it any more, also a thread that hangs in a system call which everybody else has given up.
/// </summary>
internal sealed class AlignedBuffer
{
    public AlignedBuffer(int size)
    {
        var array = GC.AllocateUninitializedArray<byte>(size + Blocks.PageSize, pinned: true);
        var past = (int)(Address(array) % Blocks.PageSize);
        Memory = array.AsMemory(past == 0 ? 0 : Blocks.PageSize - past, size);
    }

    /// <summary>The memory, in the size that was asked for.</summary>
    public Memory<byte> Memory { get; }

    private static unsafe nuint Address(byte[] array) => (nuint)Unsafe.AsPointer(ref array[0]);
}
