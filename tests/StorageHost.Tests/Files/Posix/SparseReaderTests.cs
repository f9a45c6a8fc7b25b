using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using FsCheck;
using FsCheck.Fluent;
using StorageHost.Files.Posix;
using Xunit;

namespace StorageHost.Tests.Files.Posix;

/// <summary>Reading and digesting images, against an implementation that reads every byte.</summary>
public sealed class SparseReaderTests : IDisposable
{
    private const int Block = ContentDigest.BlockSize;

    private readonly Store store = new();

    public void Dispose() => store.Dispose();

    [Fact]
    public void What_is_read_is_the_content_and_its_digest_whatever_the_holes() => Prop.ForAll(Arb.From(Images), image =>
    {
        var content = Make(image);
        var (read, digest, _) = ReadAll(content.Length, image.BufferBlocks * Block);
        return read.AsSpan().SequenceEqual(content) && digest == Naive(content);
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(60));

    [Fact]
    public void Holes_and_zeros_are_the_same_content() => Prop.ForAll(Arb.From(Images), image =>
    {
        var content = Make(image);
        var sparse = ReadAll(content.Length, Block).Digest;
        store.Write("image", content);
        return ReadAll(content.Length, 4 * Block).Digest == sparse;
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(40));

    [Fact]
    public void What_is_written_is_the_content_and_takes_no_more_than_its_pages() => Prop.ForAll(Arb.From(Images), image =>
    {
        var content = Make(image);
        using var source = File.OpenHandle(store["image"]);
        using (var copy = File.OpenHandle(store["copy"], FileMode.Create, FileAccess.ReadWrite))
        {
            var digest = new ContentDigest();
            var (reader, buffer, written) = (new SparseReader(source, "image", content.Length), new AlignedBuffer(image.BufferBlocks * Block).Memory, 0L);
            while (reader.ReadNext(buffer, digest) is { } block)
            {
                written += Blocks.WriteSparse(copy, "copy", block);
            }

            RandomAccess.SetLength(copy, content.Length);
            var pages = content.Chunk(Blocks.PageSize).Count(page => page.AsSpan().ContainsAnyExcept((byte)0));
            Assert.Equal((long)pages * Blocks.PageSize, written);
        }

        return store.Read("copy").AsSpan().SequenceEqual(content);
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(60));

    [Fact]
    public void Contents_that_differ_in_a_byte_or_its_place_have_other_digests()
    {
        var digests = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (length, at, value) in new[] { (3 * Block, 0, 0), (3 * Block, 0, 1), (3 * Block, 0, 2), (3 * Block, Block, 1), (3 * Block, 2 * Block, 1), (3 * Block, Block - 1, 1) })
        {
            var content = new byte[length];
            content[at] = (byte)value;
            store.Write("image", content);
            Assert.True(digests.Add(ReadAll(length, 2 * Block).Digest));
        }
    }

    [Fact]
    public void A_hole_costs_no_reading()
    {
        using (var file = File.OpenHandle(store["image"], FileMode.CreateNew, FileAccess.Write))
        {
            RandomAccess.SetLength(file, 1L << 40);
            RandomAccess.Write(file, [1], (1L << 39) + 5);
        }

        using var image = File.OpenHandle(store["image"]);
        var digest = new ContentDigest();
        var reader = new SparseReader(image, "image", 1L << 40);
        var (buffer, reads) = (new AlignedBuffer(4 * Block).Memory, 0);
        for (; reader.ReadNext(buffer, digest) is { } block; reads++)
        {
            Assert.True(reads > 0 || block.Offset == 1L << 39);
        }

        Assert.Equal(1L << 40, reader.Position);
        Assert.InRange(reads, 1, 2);
    }

    [Theory]
    [MemberData(nameof(CannotTell))]
    public void Where_the_file_system_cannot_tell_of_holes_they_are_found_in_the_data(int errno) => Prop.ForAll(Arb.From(Images), image =>
    {
        var content = Make(image);
        var asked = 0;
        var (read, digest, _) = ReadAll(content.Length, image.BufferBlocks * Block, (_, _) =>
        {
            asked++;
            return Fail(errno);
        });
        Assert.InRange(asked, 0, 1);
        return read.AsSpan().SequenceEqual(content) && digest == Naive(content);
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(30));

    [Fact]
    public void Zeros_that_have_to_be_read_are_passed_over_up_to_a_limit_in_one_call()
    {
        const int Length = (40 * Block) + 100;
        using (var file = File.OpenHandle(store["image"], FileMode.CreateNew, FileAccess.Write))
        {
            RandomAccess.SetLength(file, Length);
            RandomAccess.Write(file, [1], 20 * Block);
        }

        var runs = ReadAll(Length, Block, (_, _) => Fail(Errno.NotSupported)).Runs;
        Assert.Equal([(SparseReader.MostZeros - 1) * Block, 20 * Block, (20 + SparseReader.MostZeros) * Block], runs.Select(run => run.Offset));
    }

    [Fact]
    public void A_file_system_that_fails_to_tell_of_holes_has_failed()
    {
        store.Write("image", new byte[Block]);
        Assert.Equal(Errno.InputOutput, Assert.Throws<StorageException>(() => ReadAll(Block, Block, (_, _) => Fail(Errno.InputOutput))).Errno);
    }

    [Fact]
    public void A_file_that_shrinks_while_it_is_read_ends()
    {
        store.Write("image", [.. Enumerable.Repeat((byte)7, 3 * Block)]);
        var (read, _, runs) = ReadAll(10 * Block, 2 * Block);
        Assert.Equal(3 * Block, runs.Sum(run => run.Length));
        Assert.True(read.AsSpan(0, 3 * Block).IndexOfAnyExcept((byte)7) < 0);
    }

    [Fact]
    public void A_failure_to_read_is_not_taken_for_a_hole()
    {
        using var directory = DirectoryHandle.OpenDirectory(store.Path);
        var digest = new ContentDigest();
        var reader = new SparseReader(directory, "image", 1000);
        Assert.Throws<StorageException>(() => reader.ReadNext(new AlignedBuffer(Block).Memory, digest));
    }

    public static TheoryData<int> CannotTell => [Errno.NotSupported, Errno.Invalid, Errno.NotTty, Errno.NoSystemCall];

    private static long Fail(int errno)
    {
        Marshal.SetLastPInvokeError(errno);
        return -1;
    }

    private static Gen<(int[] Blocks, int Tail, int BufferBlocks)> Images =>
        from count in Gen.Choose(0, 12)
        from blocks in Gen.ArrayOf(Gen.Choose(0, 3), count)
        from tail in Gen.OneOf(Gen.Constant(0), Gen.Elements(1, 511, 512, 4095, 4097, Block - 1))
        from buffer in Gen.Choose(1, 5)
        select (blocks, tail, buffer);

    /// <summary>Writes an image of blocks that are holes (0), zeros (1), full (2) or a hole but for one byte (3), with a last part of a block.</summary>
    private byte[] Make((int[] Blocks, int Tail, int BufferBlocks) image)
    {
        var content = new byte[(image.Blocks.Length * Block) + image.Tail];
        var random = new Random(image.Blocks.Length + image.Tail);
        File.Delete(store["image"]);
        using var file = File.OpenHandle(store["image"], FileMode.CreateNew, FileAccess.ReadWrite);
        RandomAccess.SetLength(file, content.Length);
        for (var at = 0; at < content.Length; at += Block)
        {
            var block = content.AsSpan(at, Math.Min(Block, content.Length - at));
            var kind = at / Block < image.Blocks.Length ? image.Blocks[at / Block] : 2;
            switch (kind)
            {
                case 1: RandomAccess.Write(file, block, at); break;
                case 2: random.NextBytes(block); RandomAccess.Write(file, block, at); break;
                case 3:
                    // The rest of the block is a hole.
                    var place = random.Next(block.Length);
                    block[place] = 1;
                    RandomAccess.Write(file, [1], at + place);
                    break;
            }
        }

        return content;
    }

    private (byte[] Content, string Digest, List<(long Offset, int Length)> Runs) ReadAll(int length, int bufferSize, SparseReader.SeekData? seek = null)
    {
        using var file = File.OpenHandle(store["image"]);
        var digest = new ContentDigest();
        var (content, runs) = (new byte[length], new List<(long, int)>());
        var (reader, buffer) = (new SparseReader(file, "image", length, seek), new AlignedBuffer(bufferSize).Memory);
        while (reader.ReadNext(buffer, digest) is { } block)
        {
            block.Data.CopyTo(content.AsMemory((int)block.Offset));
            runs.Add((block.Offset, block.Data.Length));
            Assert.InRange(reader.Position, 1, length);
        }

        Assert.Equal(length, reader.Position);
        return (content, digest.Finish(), runs);
    }

    private static string Naive(byte[] content)
    {
        using var hashed = new MemoryStream();
        for (var at = 0; at < content.Length; at += Block)
        {
            var block = content.AsSpan(at, Math.Min(Block, content.Length - at));
            if (block.ContainsAnyExcept((byte)0))
            {
                var position = new byte[8];
                BinaryPrimitives.WriteInt64LittleEndian(position, at);
                hashed.Write(position);
                hashed.Write(block);
            }
        }

        return Convert.ToHexStringLower(XxHash128.Hash(hashed.ToArray()));
    }
}
