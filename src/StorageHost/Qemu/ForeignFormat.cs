namespace StorageHost.Qemu;

/// <summary>The marks of formats that are not served. What bears one is no raw image, although it could be read as one.</summary>
internal static class ForeignFormat
{
    private const int TrailerBytes = 512;

    private static readonly (int Offset, byte[] Mark, string Name)[] Marks =
    [
        (0, [.. "KDMV"u8], "VMDK"),
        (0, [.. "COWD"u8], "VMDK"),
        (0, [.. "vhdxfile"u8], "VHDX"),
        (0, [.. "conectix"u8], "VHD"),
        (0, [.. "QED\0"u8], "QED"),
        (0x40, [0x7f, 0x10, 0xda, 0xbe], "VDI"),
        (0, [.. "LUKS"u8, 0xba, 0xbe], "LUKS"),
        (0, [.. "WithoutFreeSpace"u8], "Parallels"),
        (0, [.. "WithouFreSpacExt"u8], "Parallels"),
        (0, [.. "Bochs Virtual HD Image"u8], "Bochs"),
        (0, [.. "#!/bin/sh\n#V2.0 Format\nmodprobe cloop"u8], "cloop"),
    ];

    /// <summary>The name of the format that the image bears the mark of; null when it bears none.</summary>
    public static string? Detect(HeaderWindow image)
    {
        foreach (var (offset, mark, name) in Marks)
        {
            if (image.Head.Length >= offset && image.Head[offset..].StartsWith(mark))
            {
                return name;
            }
        }

        return IsVmdkDescriptor(image.Head) ? "VMDK" : ByTrailer(image);
    }

    /// <summary>
    /// A text that QEMU takes for a VMDK descriptor: a <c>version=</c> after nothing but comments and blank lines. Its extents may
    /// name any file of this machine.
    /// </summary>
    private static bool IsVmdkDescriptor(ReadOnlySpan<byte> head)
    {
        if (head.StartsWith("# Disk DescriptorFile"u8))
        {
            return true;
        }

        foreach (var range in head.Split((byte)'\n'))
        {
            var line = head[range].Trim(" \t\r"u8);
            if (!line.IsEmpty && line[0] != '#')
            {
                return line.StartsWith("version="u8);
            }
        }

        return false;
    }

    /// <summary>Formats whose header stands at the end of the file: a fixed VHD (also the old, one byte shorter one) and DMG.</summary>
    private static string? ByTrailer(HeaderWindow image)
    {
        Span<byte> trailer = stackalloc byte[TrailerBytes];
        return !image.TryRead(image.Length - TrailerBytes, trailer) ? null
            : trailer.StartsWith("conectix"u8) || trailer[1..].StartsWith("conectix"u8) ? "VHD"
            : trailer.StartsWith("koly"u8) ? "DMG"
            : null;
    }
}
