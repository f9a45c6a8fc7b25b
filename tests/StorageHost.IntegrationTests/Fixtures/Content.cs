namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>Compares files byte by byte, whatever their size.</summary>
internal static class Content
{
    private const int Block = 1 << 20;

    public static bool Same(string file, string master)
    {
        using var left = File.OpenHandle(file, share: FileShare.ReadWrite | FileShare.Delete);
        using var right = File.OpenHandle(master, share: FileShare.ReadWrite | FileShare.Delete);
        var length = RandomAccess.GetLength(right);
        if (RandomAccess.GetLength(left) != length)
        {
            return false;
        }

        var (a, b) = (new byte[Block], new byte[Block]);
        for (long at = 0; at < length; at += Block)
        {
            if (!a.AsSpan(0, Fill(left, a, at)).SequenceEqual(b.AsSpan(0, Fill(right, b, at))))
            {
                return false;
            }
        }

        return true;
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
