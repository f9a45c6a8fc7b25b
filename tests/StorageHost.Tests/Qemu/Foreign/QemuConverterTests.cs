using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using StorageHost.Images;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;
using StorageHost.Qemu;
using StorageHost.Qemu.Converting;
using StorageHost.Tests.Processes;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Qemu.Foreign;

public sealed class QemuConverterTests : IDisposable
{
    private readonly Scratch scratch = new();

    public static TheoryData<string> Kinds => new(Samples.Kinds);

    public void Dispose() => scratch.Dispose();

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Every_format_becomes_what_qemu_img_makes_of_it(string kind)
    {
        var image = await Samples.GetAsync(kind);
        var target = new Target();
        await Converter().ConvertAsync([new(Samples.FormatOf(kind), new Content(image))], target, CancellationToken.None);
        await File.WriteAllBytesAsync(scratch.File("made"), target.Bytes);
        await File.WriteAllBytesAsync(scratch.File("image"), image);
        await RealQemuImg.RunAsync("convert", "-f", Samples.Options(kind)[0], "-O", "qcow2", scratch.File("image"), scratch.File("wanted"));
        await RealQemuImg.RunAsync("compare", "-s", "-f", "qcow2", "-F", "qcow2", scratch.File("made"), scratch.File("wanted"));
        await RealQemuImg.RunAsync("compare", "-f", "qcow2", "-F", "raw", scratch.File("made"), await RawAsync());
        Assert.True(await RealQemuImg.IsSoundAsync(scratch.File("made")));
        Assert.Null(RealQemuImg.FindMissing(scratch.File("made")));
    }

    [Fact]
    public async Task A_chain_becomes_one_image_and_what_its_headers_name_is_never_opened()
    {
        var raw = await RawAsync();
        await RealQemuImg.RunAsync("create", "-q", "-f", "qcow2", "-F", "raw", "-b", raw, scratch.File("middle"));
        await RealQemuImg.WriteAsync(scratch.File("middle"), "write -P 1 1M 100k");
        await RealQemuImg.RunAsync("create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", scratch.File("middle"), scratch.File("top"), "8M");
        await RealQemuImg.WriteAsync(scratch.File("top"), "write -P 2 1050k 100k", "write -z 3M 64k", "write -P 3 7M 64k");
        await RealQemuImg.RunAsync("convert", "-f", "qcow2", "-O", "qcow2", scratch.File("top"), scratch.File("wanted"));
        ConversionSource[] chain =
        [
            new(SourceFormat.Qcow2, new Content(await File.ReadAllBytesAsync(scratch.File("top")))),
            new(SourceFormat.Qcow2, new Content(await File.ReadAllBytesAsync(scratch.File("middle")))),
            new(SourceFormat.Raw, new Content(await File.ReadAllBytesAsync(raw))),
        ];
        File.Delete(raw);
        File.Delete(scratch.File("middle"));
        var target = new Target();
        await Converter().ConvertAsync(chain, target, CancellationToken.None);
        await File.WriteAllBytesAsync(scratch.File("made"), target.Bytes);
        await RealQemuImg.RunAsync("compare", "-s", "-f", "qcow2", "-F", "qcow2", scratch.File("made"), scratch.File("wanted"));
    }

    [Fact]
    public async Task What_the_target_throws_ends_it()
    {
        var target = new Target { Limit = 1 << 20 };
        var refused = await Assert.ThrowsAsync<RefusedException>(() => Eventually.EndsAsync(
            Converter().ConvertAsync([new(SourceFormat.Vmdk, new Content(Samples.GetAsync("vmdk").Result))], target, CancellationToken.None)));
        Assert.Equal((Refusal.NoSpace, "the limit"), (refused.Reason, refused.Message));
    }

    [Fact]
    public async Task A_source_that_hangs_does_not_keep_it_from_being_cancelled()
    {
        using var stop = new CancellationTokenSource();
        var content = new Content(await Samples.GetAsync("vmdk")) { Hangs = stop };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.EndsAsync(
            Converter().ConvertAsync([new(SourceFormat.Vmdk, content)], new Target(), stop.Token)));
    }

    [Fact]
    public async Task A_program_that_goes_on_for_ever_is_ended()
    {
        File.WriteAllText(scratch.File("forever"), "#!/bin/sh\nsleep 100");
        File.SetUnixFileMode(scratch.File("forever"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var refused = await Assert.ThrowsAsync<RefusedException>(() => Eventually.EndsAsync(
            Converter(scratch.File("forever"), TimeSpan.FromMilliseconds(300)).ConvertAsync([new(SourceFormat.Vmdk, new Content([]))], new Target(), CancellationToken.None)));
        Assert.Contains("Qemu:ConvertTimeout", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_qemu_img_cannot_read_is_rejected()
    {
        var refused = await Assert.ThrowsAsync<RefusedException>(() => Eventually.EndsAsync(
            Converter().ConvertAsync([new(SourceFormat.Vhdx, new Content(new byte[1 << 20]))], new Target(), CancellationToken.None)));
        Assert.Equal(Refusal.ImageRejected, refused.Reason);
    }

    private static QemuConverter Converter(string path = "qemu-img", TimeSpan? timeout = null) => new(
        Programs.Runner, Options.Create(new QemuOptions { Path = path, ConvertTimeout = timeout ?? TimeSpan.FromMinutes(1) }), NullLogger<QemuConverter>.Instance);

    private async Task<string> RawAsync()
    {
        await File.WriteAllBytesAsync(scratch.File("raw"), Samples.Raw());
        return scratch.File("raw");
    }

    private sealed class Content(byte[] bytes) : IBlockContent
    {
        public CancellationTokenSource? Hangs { get; init; }

        public long Length => bytes.Length;

        public async Task ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
        {
            if (Hangs is not null)
            {
                await Hangs.CancelAsync();
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }

            buffer.Span.Clear();
            bytes.AsSpan((int)offset, (int)Math.Min(buffer.Length, bytes.Length - offset)).CopyTo(buffer.Span);
        }
    }

    private sealed class Target : IBlockTarget
    {
        private readonly MemoryStream made = new();

        public long Limit { get; init; } = long.MaxValue;

        public long Length => made.Length;

        public byte[] Bytes
        {
            get
            {
                made.SetLength((made.Length + 65535) / 65536 * 65536);
                return made.ToArray();
            }
        }

        public async Task ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
        {
            buffer.Span.Clear();
            made.Position = offset;
            _ = await made.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        }

        public async Task WriteAsync(long offset, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            if (offset + bytes.Length > Limit)
            {
                throw new RefusedException(Refusal.NoSpace, "the limit");
            }

            made.Position = offset;
            await made.WriteAsync(bytes, cancellationToken);
        }

        public async Task ZeroAsync(long offset, long length, CancellationToken cancellationToken) =>
            await WriteAsync(offset, new byte[length], cancellationToken);
    }
}
