using System.Globalization;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>Compares files byte by byte, whatever their size: the first past the page cache of who reads it, as the storage has it.</summary>
internal static class Content
{
    private const int Block = 1 << 20;

    public static bool Same(string file, string master) => Difference(file, master) is null;

    /// <summary>Where a file differs first from its master, in words; null when it does not.</summary>
    public static string? Difference(string file, string master)
    {
        using var left = DirectFile.Open(file);
        using var right = File.OpenHandle(master, share: FileShare.ReadWrite | FileShare.Delete);
        var length = RandomAccess.GetLength(right);
        if (RandomAccess.GetLength(left) is var other && other != length)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{other} bytes, not {length}");
        }

        var (a, b) = (DirectFile.Buffer(Block), new byte[Block]);
        for (long at = 0; at < length; at += Block)
        {
            var count = (int)Math.Min(Block, length - at);
            var found = a.Span[..Math.Min(count, Fill(left, a.Span, at, count))];
            var wanted = b.AsSpan(0, Math.Min(count, Fill(right, b, at, count)));
            if (!found.SequenceEqual(wanted))
            {
                var same = found.CommonPrefixLength(wanted);
                return string.Create(
                    CultureInfo.InvariantCulture,
                    $"from byte {at + same}: {Convert.ToHexStringLower(found[same..Math.Min(same + 8, found.Length)])}, not {Convert.ToHexStringLower(wanted[same..Math.Min(same + 8, wanted.Length)])}");
            }
        }

        return null;
    }

    // Asked for whole blocks: direct I/O gives no others.
    private static int Fill(Microsoft.Win32.SafeHandles.SafeFileHandle file, Span<byte> buffer, long at, int count)
    {
        var filled = 0;
        while (filled < count && RandomAccess.Read(file, buffer[filled..], at + filled) is > 0 and var read)
        {
            filled += read;
        }

        return filled;
    }
}
