using StorageHost.Images.Templates;
using StorageHost.Qemu;

namespace StorageHost.Tests.Qemu.Foreign;

/// <summary>An image in memory, and how much was read of it.</summary>
internal sealed class Counted(byte[] image) : IHeaderSource
{
    public long Length => image.Length;

    public long Bytes { get; private set; }

    public int Read(long offset, Span<byte> buffer)
    {
        var there = (int)Math.Clamp(image.Length - offset, 0, buffer.Length);
        image.AsSpan((int)Math.Min(offset, image.Length), there).CopyTo(buffer);
        Bytes += there;
        return there;
    }

    /// <summary>What is wrong with an image as the daemon finds it; null when it may be converted.</summary>
    public static string? FindFault(byte[] image) => FindFault(new Counted(image));

    public static string? FindFault(Counted image)
    {
        var inspector = new ImageInspector();
        if (inspector.FindForeign(image) is not { } found)
        {
            return "it is in none of these formats";
        }

        if (found.Fault is { } fault)
        {
            return fault;
        }

        var check = inspector.CheckWhole(image);
        while (check?.Advance(() => true) == false)
        {
        }

        return check?.Fault;
    }
}
