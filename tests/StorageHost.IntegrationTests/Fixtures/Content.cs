using System.Globalization;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>Compares files byte by byte, whatever their size.</summary>
internal static class Content
{
    private const int Block = 1 << 20;

    public static bool Same(string file, string master) => Difference(file, master) is null;

    /// <summary>Where a file differs first from its master, in words; null when it does not.</summary>
    public static string? Difference(string file, string master)
    {
        using var left = File.OpenHandle(file, share: FileShare.ReadWrite | FileShare.Delete);
        using var right = File.OpenHandle(master, share: FileShare.ReadWrite | FileShare.Delete);
        var length = RandomAccess.GetLength(right);
        if (RandomAccess.GetLength(left) is var other && other != length)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{other} bytes, not {length}");
        }

        var (a, b) = (new byte[Block], new byte[Block]);
        for (long at = 0; at < length; at += Block)
        {
            var found = a.AsSpan(0, Fill(left, a, at));
            var wanted = b.AsSpan(0, Fill(right, b, at));
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

    private static int Fill(Microsoft.Win32.SafeHandles.SafeFileHandle file, byte[] buffer, long at)
    {
        var filled = 0;
        while (filled < buffer.Length && RandomAccess.Read(file, buffer.AsSpan(filled), at + filled) is > 0 and var read)
        {
            filled += read;
        }

        return filled;
    }
}
