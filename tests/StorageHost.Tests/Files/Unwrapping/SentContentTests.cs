using System.Security.Cryptography;
using StorageHost.Files.Unwrapping;
using StorageHost.Images;
using Xunit;

namespace StorageHost.Tests.Files.Unwrapping;

public sealed class SentContentTests
{
    public static TheoryData<string, int> Lengths
    {
        get
        {
            var cases = new TheoryData<string, int>();
            foreach (var kind in Wrap.Kinds)
            {
                Array.ForEach([0, 1, 4096, 300_001], length => cases.Add(kind, length));
            }

            return cases;
        }
    }

    public static TheoryData<string> Kinds => new(Wrap.Kinds);

    [Theory]
    [MemberData(nameof(Lengths))]
    public async Task What_was_wrapped_comes_out_and_the_digest_is_of_what_was_sent(string kind, int length)
    {
        var content = Content(length);
        var sent = Wrap.In(kind, content);
        Assert.Equal((content, Sha256(sent), (long)sent.Length, true), await ReadAsync(new MemoryStream(sent)), Same);
        Assert.Equal((content, Sha256(sent), (long)sent.Length, true), await ReadAsync(new Trickle(sent), 1000), Same);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(200_000)]
    public async Task What_is_not_wrapped_comes_as_it_is(int length)
    {
        var content = Content(length);
        Assert.Equal((content, Sha256([]), (long)length, false), await ReadAsync(new MemoryStream(content)), Same);
        Assert.Equal((content, Sha256([]), (long)length, false), await ReadAsync(new Trickle(content), 7), Same);
    }

    /// <summary>A second release of the library's memory would end the process.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task It_can_be_disposed_twice(string kind)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var sent = await SentContent.OpenAsync(new MemoryStream(Wrap.In(kind, Content(5000))), hash, CancellationToken.None);
        await sent.DisposeAsync();
        await sent.DisposeAsync();
        Assert.True(sent.IsWrapped);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Whatever_is_cut_off_is_missed(string kind)
    {
        var sent = Wrap.In(kind, Content(5000));
        for (var length = Wrappings.HeadBytes; length < sent.Length; length += length < sent.Length - 40 ? 97 : 1)
        {
            Assert.Equal($"the template is not taken: the {kind} stream that was sent is cut short", await RefusedAsync(sent[..length]));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Whatever_follows_is_refused(string kind)
    {
        var sent = Wrap.In(kind, Content(5000));
        Assert.Equal($"the template is not taken: something follows the {kind} stream that was sent", await RefusedAsync([.. sent, 0]));
        Assert.Equal($"the template is not taken: something follows the {kind} stream that was sent", await RefusedAsync([.. sent, .. new byte[200_000]]));
        foreach (var other in Wrap.Kinds)
        {
            Assert.Equal(
                $"the template is not taken: behind the {kind} stream that was sent another one begins; unwrap them first, and wrap them as one",
                await RefusedAsync([.. sent, .. Wrap.In(other, Content(10))]));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task No_changed_byte_changes_what_is_taken(string kind)
    {
        var content = Content(3000);
        var sent = Wrap.In(kind, content);
        var refusals = 0;
        for (var at = 0; at < sent.Length; at++)
        {
            var changed = sent.ToArray();
            changed[at] ^= (byte)(1 << (at % 8));
            if (!Wrappings.IsOne(changed))
            {
                continue;
            }

            try
            {
                // A header has bytes that nobody reads: the time, and on which system it was made.
                Assert.Equal(content, (await ReadAsync(new MemoryStream(changed))).Content);
            }
            catch (RefusedException refused)
            {
                Assert.Equal(Refusal.ImageRejected, refused.Reason);
                refusals++;
            }
        }

        Assert.InRange(refusals, sent.Length - 12, sent.Length);
    }

    [Fact]
    public async Task A_checksum_that_is_wrong_is_refused()
    {
        var sent = Wrap.In("gzip", Content(5000));
        sent[^8] ^= 1;
        Assert.Equal("the template is not taken: the gzip stream that was sent is broken: its data or its checksum is wrong", await RefusedAsync(sent));
    }

    [Fact]
    public async Task What_needs_too_much_memory_is_refused_before_it_is_taken()
    {
        Assert.Equal("the template is not taken: the xz stream that was sent needs more than 128 MiB of memory to be unwrapped", await RefusedAsync(Wrap.GreedyXz()));
        Assert.Equal(
            "the template is not taken: the zstd stream that was sent needs a window of more than 128 MiB to be unwrapped (zstd --long)",
            await RefusedAsync(Wrap.GreedyZstd()));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_bomb_is_read_a_piece_at_a_time(string kind)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var sent = Wrap.In(kind, new byte[64 << 20]);
        await using var content = await SentContent.OpenAsync(new MemoryStream(sent), hash, CancellationToken.None);
        var buffer = new byte[1000];
        Assert.InRange(await content.ReadAsync(buffer), 1, 1000);
        Assert.InRange(content.Received, 1, 64 * 1024);
    }

    private static bool Same((byte[] Content, string Sha256, long Received, bool IsWrapped) one, (byte[] Content, string Sha256, long Received, bool IsWrapped) other) =>
        one.Content.AsSpan().SequenceEqual(other.Content)
            && (one.Sha256, one.Received, one.IsWrapped) == (other.Sha256, other.Received, other.IsWrapped);

    private static byte[] Content(int length)
    {
        var content = new byte[length];
        new Random(length).NextBytes(content.AsSpan(0, length / 2));
        if (length > 0)
        {
            content[0] = 0xeb;
        }

        return content;
    }

    private static string Sha256(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));

    private static async Task<string> RefusedAsync(byte[] sent)
    {
        var refused = await Assert.ThrowsAsync<RefusedException>(() => ReadAsync(new MemoryStream(sent)));
        Assert.Equal(Refusal.ImageRejected, refused.Reason);
        return refused.Message;
    }

    private static async Task<(byte[] Content, string Sha256, long Received, bool IsWrapped)> ReadAsync(Stream sent, int piece = 65536)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await using var content = await SentContent.OpenAsync(sent, hash, CancellationToken.None);
        using var all = new MemoryStream();
        await content.CopyToAsync(all, piece);
        return (all.ToArray(), Convert.ToHexStringLower(hash.GetHashAndReset()), content.Received, content.IsWrapped);
    }

    /// <summary>Gives a few bytes at a time.</summary>
    private sealed class Trickle(byte[] content) : MemoryStream(content)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(3, buffer.Length)], cancellationToken);
    }
}
