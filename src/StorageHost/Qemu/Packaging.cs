namespace StorageHost.Qemu;

/// <summary>The marks of what images are packed in, and of what is sent in their place. Any of it could be read as raw.</summary>
internal static class Packaging
{
    private static readonly (int Offset, byte[] Mark, string Name)[] Marks =
    [
        (0, [0x1f, 0x8b], "compressed with gzip"),
        (0, [0xfd, .. "7zXZ\0"u8], "compressed with xz"),
        (0, [0x28, 0xb5, 0x2f, 0xfd], "compressed with zstd"),
        (0, [.. "BZh"u8], "compressed with bzip2"),
        (0, [0x04, 0x22, 0x4d, 0x18], "compressed with lz4"),
        (0, [.. "PK"u8, 3, 4], "a ZIP archive"),
        (0, [.. "7z"u8, 0xbc, 0xaf, 0x27, 0x1c], "a 7z archive"),
        (0, [.. "Rar!"u8, 0x1a, 7], "a RAR archive"),
        (257, [.. "ustar"u8], "a tar archive"),
    ];

    /// <summary>What it is, to be read after "it is"; null when it bears no such mark.</summary>
    public static string? Detect(ReadOnlySpan<byte> head)
    {
        foreach (var (offset, mark, name) in Marks)
        {
            if (head.Length >= offset && head[offset..].StartsWith(mark))
            {
                return name;
            }
        }

        return IsPage(head.TrimStart(" \t\r\n"u8)) ? "a page of the web" : null;
    }

    private static bool IsPage(ReadOnlySpan<byte> text) => StartsWith(text, "<!doctype html"u8) || StartsWith(text, "<html"u8);

    private static bool StartsWith(ReadOnlySpan<byte> text, ReadOnlySpan<byte> word) =>
        text.Length >= word.Length && System.Text.Ascii.EqualsIgnoreCase(text[..word.Length], word);
}
