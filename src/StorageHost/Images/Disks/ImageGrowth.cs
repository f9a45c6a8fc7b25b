namespace StorageHost.Images.Disks;

/// <summary>Bytes that are to be written into an image.</summary>
/// <param name="Offset">Where, in bytes.</param>
/// <param name="Bytes">What.</param>
internal readonly record struct ImageWrite(long Offset, ReadOnlyMemory<byte> Bytes);

/// <summary>
/// A step of a growth. All of it may be done in any order, and any part of it leaves an image sound in which the steps before were done.
/// </summary>
/// <param name="Length">The file's new length in bytes, set before the writes; null when it stays.</param>
/// <param name="Writes">What is written.</param>
internal sealed record GrowthStep(long? Length, IReadOnlyList<ImageWrite> Writes);

/// <summary>How an image becomes larger.</summary>
/// <param name="Steps">Each must be durable before the next wherever the file may be read after a loss of power.</param>
/// <param name="NewBytes">How much room it takes on the volume.</param>
internal sealed record ImageGrowth(IReadOnlyList<GrowthStep> Steps, long NewBytes)
{
    /// <summary>What a disk writes in one piece: a write within it is done or not done.</summary>
    private const int AtomicBytes = 512;

    /// <summary>Of an image that has the size already.</summary>
    public static ImageGrowth Nothing { get; } = new([], 0);

    /// <summary>Whether the file is as before or grown at every instant, with nothing in between.</summary>
    public bool IsAtOnce => Steps switch
    {
        [] or [{ Length: not null, Writes: [] }] => true,
        [{ Length: null, Writes: [var only] }] => IsAtomic(only),
        _ => false,
    };

    /// <summary>Whether the file itself becomes longer.</summary>
    public bool ChangesLength => Steps.Any(step => step.Length is not null);

    private static bool IsAtomic(ImageWrite write) =>
        write.Offset / AtomicBytes == (write.Offset + write.Bytes.Length - 1) / AtomicBytes;
}
