namespace StorageHost.Files.Unwrapping;

/// <summary>The wrappings that are taken away, told by how they begin.</summary>
internal static class Wrappings
{
    /// <summary>How many bytes tell.</summary>
    public const int HeadBytes = 6;

    private static readonly (byte[] Mark, string Package, Func<Unwrapper> Begin)[] Known =
    [
        ([0x1f, 0x8b], "zlib1g", () => new GzipUnwrapper()),
        ([0xfd, .. "7zXZ\0"u8], "liblzma5", () => new XzUnwrapper()),
        ([0x28, 0xb5, 0x2f, 0xfd], "libzstd1", () => new ZstdUnwrapper()),
    ];

    /// <summary>Whether something wrapped begins so.</summary>
    public static bool IsOne(ReadOnlySpan<byte> head)
    {
        foreach (var (mark, _, _) in Known)
        {
            if (head.StartsWith(mark))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>What unwraps it; null when it is not wrapped.</summary>
    /// <exception cref="UnwrapException">The library is missing here.</exception>
    public static Unwrapper? TryBegin(ReadOnlySpan<byte> head)
    {
        foreach (var (mark, package, begin) in Known)
        {
            if (head.StartsWith(mark))
            {
                try
                {
                    return begin();
                }
                catch (DllNotFoundException)
                {
                    throw new UnwrapException($"cannot be unwrapped on this node: the package {package} is missing");
                }
            }
        }

        return null;
    }
}
