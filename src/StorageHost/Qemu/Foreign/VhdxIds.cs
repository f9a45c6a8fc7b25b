namespace StorageHost.Qemu.Foreign;

/// <summary>The ids of VHDX regions and items, as they lie in the file.</summary>
internal static class VhdxIds
{
    public static ReadOnlySpan<byte> Blocks => Ids.AsSpan(0, 16);

    public static ReadOnlySpan<byte> Metadata => Ids.AsSpan(16, 16);

    public static ReadOnlySpan<byte> File => Ids.AsSpan(32, 16);

    public static ReadOnlySpan<byte> Size => Ids.AsSpan(48, 16);

    public static ReadOnlySpan<byte> SectorBytes => Ids.AsSpan(64, 16);

    public static ReadOnlySpan<byte> Parent => Ids.AsSpan(80, 16);

    private static readonly byte[] Ids =
    [
        .. new Guid("2DC27766-F623-4200-9D64-115E9BFD4A08").ToByteArray(),
        .. new Guid("8B7CA206-4790-4B9A-B8FE-575F050F886E").ToByteArray(),
        .. new Guid("CAA16737-FA36-4D43-B3B6-33F0AA44E76B").ToByteArray(),
        .. new Guid("2FA54224-CD1B-4876-B211-5DBED83BF4B8").ToByteArray(),
        .. new Guid("8141BF1D-A96F-4709-BA47-F233A8FAAB5F").ToByteArray(),
        .. new Guid("A8D35F2D-B30B-454D-ABF7-D3D84834AB0C").ToByteArray(),
    ];
}
