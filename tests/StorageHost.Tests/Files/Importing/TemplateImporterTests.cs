using System.Security.Cryptography;
using StorageHost.Files.Catalog;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;
using StorageHost.Tests.Files.Unwrapping;
using StorageHost.Tests.Images;
using StorageHost.Tests.Qemu;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Files.Importing;

public sealed class TemplateImporterTests : IAsyncLifetime
{
    private const string Template = "centos_template.img";

    private readonly Store store = new();
    private Daemon daemon = null!;

    public async Task InitializeAsync() => daemon = await Daemon.StartAsync(store);

    public async Task DisposeAsync()
    {
        await daemon.DisposeAsync();
        store.Dispose();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4095)]
    [InlineData(1 << 20)]
    [InlineData((1 << 20) + 1)]
    [InlineData((3 << 20) + 12345)]
    public async Task What_comes_becomes_the_template_byte_for_byte(int length)
    {
        var content = Content(length);
        var made = await ImportAsync(content);
        Assert.True(store.Read(Template).AsSpan().SequenceEqual(content));
        Assert.Equal(1u, store.Stat(Template).Links);
        Assert.Equal(Template, store.Names);
        Assert.Empty(store.Private);
        Assert.Equal((Sample.Centos, store.Stat(Template).Fingerprint, ImageFormat.Raw), (made.Template.Image, made.Template.Fingerprint, made.Header.Format));
        Assert.Equal(new TemplateRecord("upload", ManualTimeProvider.Start, Sha256(content)), made.Record);
        Assert.Equal(made.Record, Recorded());
    }

    [Fact]
    public async Task A_qcow2_is_told_from_raw_by_what_is_in_it()
    {
        var made = await ImportAsync(Qcow2Bytes.Version3());
        Assert.Equal((ImageFormat.Qcow2, Qcow2Bytes.VirtualBytes), (made.Header.Format, made.Header.VirtualBytes));
    }

    [Fact]
    public async Task Zeros_take_no_room()
    {
        var content = new byte[32 << 20];
        content[5 << 20] = 1;
        await ImportAsync(content);
        Assert.InRange(store.Stat(Template).AllocatedBytes, 1, 1 << 16);
        Assert.True(store.Read(Template).AsSpan().SequenceEqual(content));
    }

    [Fact]
    public async Task What_came_is_copied_at_once_and_what_was_written_to_since_when_it_has_settled()
    {
        daemon.Clock.Set(DateTimeOffset.UtcNow - ManualTimeProvider.Start);
        await ImportAsync(Content(1000));
        Assert.Single(await daemon.FillAsync(1));
        File.AppendAllText(store[Template], "more");
        Assert.Equal(Refusal.JobConflict, (await Assert.ThrowsAsync<RefusedException>(() => daemon.FillAsync(1))).Reason);
    }

    [Fact]
    public async Task A_template_that_is_written_to_later_has_no_record_any_more()
    {
        await ImportAsync(Content(1000));
        File.AppendAllText(store[Template], "more");
        Assert.Null(Recorded());
    }

    [Fact]
    public async Task The_right_digest_is_no_hindrance()
    {
        var content = Content(1000);
        await ImportAsync(content, Sha256(content));
        Assert.Equal(Template, store.Names);
    }

    [Fact]
    public async Task Another_digest_than_was_asked_for_leaves_nothing()
    {
        var refused = await Assert.ThrowsAsync<RefusedException>(() => ImportAsync(Content(1000), Sha256([1])));
        Assert.Equal(Refusal.DigestMismatch, refused.Reason);
        Assert.Contains(Sha256(Content(1000)), refused.Message, StringComparison.Ordinal);
        Assert.Equal("", store.Names);
        Assert.Empty(store.Private);
    }

    [Fact]
    public async Task A_name_that_is_taken_meanwhile_stays_whose_it_is()
    {
        var refused = await Assert.ThrowsAsync<RefusedException>(() => ImportAsync(Content(1000), progress: _ => store.Write(Template, 9)));
        Assert.Equal(Refusal.ImageExists, refused.Reason);
        Assert.Equal([9], store.Read(Template));
        Assert.Empty(store.Private);
    }

    public static TheoryData<string, byte[]> NoImages => new()
    {
        { "it is compressed with xz; only qcow2 and raw images are taken", Wrap.In("gzip", Wrap.In("xz", [1, 2, 3])) },
        { "it is compressed with bzip2; only qcow2 and raw images are taken", [.. "BZh9"u8] },
        { "it is a tar archive; only qcow2 and raw images are taken", Wrap.In("zstd", [.. new byte[257], .. "ustar"u8]) },
        { "the file is empty", Wrap.In("xz", []) },
        { "it is a tar archive; only qcow2 and raw images are taken", [.. new byte[257], .. "ustar"u8] },
        { "it is a page of the web; only qcow2 and raw images are taken", [.. "\n <!DOCTYPE HTML><title>404</title>"u8] },
        { "the VMDK version 0 is unknown", [.. "KDMV"u8, .. new byte[600]] },
        { "the image is in the QED format; only qcow2 and raw are served", [.. "QED\0"u8, .. new byte[600]] },
        { "the file is empty", [] },
        { "it has a backing file; make it one file first (qemu-img convert)", Qcow2Bytes.WithBackingFile(Qcow2Bytes.Version3(), "debian12_template.img") },
        { "the qcow2 header is cut short", Qcow2Bytes.Version3()[..50] },
    };

    [Theory]
    [MemberData(nameof(NoImages))]
    public async Task What_is_no_image_that_may_be_served_leaves_nothing(string fault, byte[] content)
    {
        var refused = await Assert.ThrowsAsync<RefusedException>(() => ImportAsync(content));
        Assert.Equal((Refusal.ImageRejected, $"the template centos is not taken: {fault}"), (refused.Reason, refused.Message));
        Assert.Equal("", store.Names);
        Assert.Empty(store.Private);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("xz")]
    [InlineData("zstd")]
    public async Task What_comes_wrapped_is_unwrapped_and_its_digest_is_of_what_was_sent(string kind)
    {
        var content = Content((3 << 20) + 12345);
        content.AsSpan(1 << 20, 1 << 20).Clear();
        var sent = Wrap.In(kind, content);
        var told = new List<ImportProgress>();
        var made = await ImportAsync(new MemoryStream(sent), Sha256(sent), told: told.Add);
        Assert.True(store.Read(Template).AsSpan().SequenceEqual(content));
        Assert.Equal(Sha256(sent), made.Record!.Sha256);
        Assert.InRange(store.Stat(Template).AllocatedBytes, 2 << 20, (2 << 20) + (1 << 18));
        Assert.Equal(new ImportProgress(sent.Length, content.Length), told[^1]);
    }

    [Theory]
    [InlineData("vmdk", null, null)]
    [InlineData("vdi", null, "zstd")]
    public async Task What_comes_in_another_format_becomes_qcow2_and_keeps_its_digest(string format, string? option, string? wrapping)
    {
        var (raw, image) = (store["raw"], store["image"]);
        File.WriteAllBytes(raw, Content(3 << 20));
        await RealQemuImg.RunAsync(["convert", "-f", "raw", "-O", format, .. option is null ? Array.Empty<string>() : ["-o", option], raw, image]);
        var sent = wrapping is null ? File.ReadAllBytes(image) : Wrap.In(wrapping, File.ReadAllBytes(image));
        File.Delete(image);
        var told = new List<ImportProgress>();
        var made = await ImportAsync(new MemoryStream(sent), Sha256(sent), told: told.Add);
        Assert.Equal((ImageFormat.Qcow2, 3L << 20, Sha256(sent)), (made.Header.Format, made.Header.VirtualBytes, made.Record!.Sha256));
        await RealQemuImg.RunAsync("compare", "-s", "-f", "raw", "-F", "qcow2", raw, store[Template]);
        Assert.Equal(store.Read(Template).Length, told[^1].Made!.Value, 65536d);
        Assert.Empty(store.Private);
    }

    [Fact]
    public async Task A_conversion_ends_where_its_progress_says_so_and_leaves_nothing()
    {
        File.WriteAllBytes(store["raw"], Content(20 << 20));
        await RealQemuImg.RunAsync("convert", "-f", "raw", "-O", "vmdk", store["raw"], store["image"]);
        var sent = File.ReadAllBytes(store["image"]);
        File.Delete(store["image"]);
        File.Delete(store["raw"]);
        var refused = await Assert.ThrowsAsync<RefusedException>(() => Eventually.EndsAsync(ImportAsync(
            new MemoryStream(sent), told: at => _ = at.Made > 4 << 20 ? throw new RefusedException(Refusal.NoSpace, "the limit") : 0)));
        Assert.Equal(Refusal.NoSpace, refused.Reason);
        Assert.Equal("", store.Names);
        Assert.Empty(store.Private);
    }

    [Fact]
    public async Task What_is_unwrapped_ends_where_its_progress_says_so_and_leaves_nothing()
    {
        var bomb = new MemoryStream(Wrap.In("gzip", new byte[64 << 20]));
        var refused = await Assert.ThrowsAsync<RefusedException>(() => ImportAsync(
            bomb, told: at => _ = at.Made > 4 << 20 ? throw new RefusedException(Refusal.NoSpace, "the limit") : 0));
        Assert.Equal(Refusal.NoSpace, refused.Reason);
        Assert.True(bomb.Position < bomb.Length);
        Assert.Equal("", store.Names);
        Assert.Empty(store.Private);
    }

    [Fact]
    public async Task A_qcow2_whose_tables_lead_out_of_it_leaves_nothing()
    {
        // Its header is right: only a look through the tables finds that the L1 table is not all there.
        var refused = await Assert.ThrowsAsync<RefusedException>(() => ImportAsync(Qcow2Bytes.Pokes(Qcow2Bytes.Version3(), Qcow2Bytes.L1Offset, 8, 0x4000000)));
        Assert.Equal(Refusal.ImageRejected, refused.Reason);
        Assert.Contains("cut short", refused.Message, StringComparison.Ordinal);
        Assert.Empty(store.Private);
    }

    [Fact]
    public async Task A_sender_who_breaks_off_leaves_nothing()
    {
        await Assert.ThrowsAsync<IOException>(() => ImportAsync(new Broken(Content(3 << 20))));
        Assert.Equal("", store.Names);
        Assert.Empty(store.Private);
    }

    [Fact]
    public async Task What_is_cancelled_leaves_nothing()
    {
        using var cancelled = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ImportAsync(Content(5 << 20), progress: _ => cancelled.Cancel(), cancellationToken: cancelled.Token));
        Assert.Equal("", store.Names);
        Assert.Empty(store.Private);
    }

    [Fact]
    public async Task A_write_that_fails_ends_the_listening_to_a_sender_who_sends_nothing_more()
    {
        // Threads that take no call any more stand for storage that gives up.
        var sender = new Silent(Content(1 << 20));
        var import = ImportAsync(sender, progress: _ => daemon.Threads.Dispose());
        var refused = await Assert.ThrowsAsync<RefusedException>(() => Eventually.EndsAsync(import));
        Assert.Equal(Refusal.StorageUnavailable, refused.Reason);
    }

    [Fact]
    public async Task A_storage_that_hangs_ends_the_import_at_its_deadline_and_what_is_left_is_recovered()
    {
        var limit = TimeSpan.FromMilliseconds(300);
        var options = new StorageOptions { Directory = store.Path, Threads = 4, OperationTimeout = limit, TransferTimeout = limit };
        var sick = await Daemon.StartAsync(store, storage: options);
        using var hang = new ManualResetEventSlim();
        Task[] hanging = [];
        var import = sick.Importer.ImportAsync(
            new NewTemplate(Sample.Centos, "upload", null, null),
            new Silent(Content(1 << 20)),
            _ =>
            {
                hanging = [.. Enumerable.Range(0, 4).Select(_ => sick.RunAsync(_ => hang.Wait(TimeSpan.FromSeconds(20))))];
                return default;
            },
            () => Task.CompletedTask,
            CancellationToken.None);
        var refused = await Assert.ThrowsAsync<RefusedException>(() => Eventually.EndsAsync(import));
        Assert.True(refused.Reason is Refusal.StorageTimeout or Refusal.StorageUnavailable, refused.Message);
        Assert.Single(store.Private);
        hang.Set();
        await Task.WhenAll(hanging).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        await Eventually.HoldsAsync(() => sick.Threads is { Queued: 0, Busy: 0 });

        // The lock of its private directory goes with what its threads have still to close.
        await sick.DisposeAsync();
        await Eventually.HoldsAsync(() => sick.Threads is { Queued: 0, Busy: 0 });
        await daemon.RecoverAsync();
        Assert.Empty(store.Private);
        Assert.Equal("", store.Names);
    }

    [Fact]
    public async Task Progress_tells_what_has_come_before_it_is_written()
    {
        var told = new List<long>();
        await ImportAsync(Content((2 << 20) + 1), progress: told.Add);
        Assert.Equal([1 << 20, 2 << 20, (2 << 20) + 1], told);
    }

    [Fact]
    public async Task Of_two_that_bring_the_same_name_one_has_it()
    {
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 8).Select(async number =>
        {
            try
            {
                return (await ImportAsync(Content(1000, number))).Record!.Sha256;
            }
            catch (RefusedException refused) when (refused.Reason == Refusal.ImageExists)
            {
                return null;
            }
        }));
        Assert.Equal(Sha256(store.Read(Template)), Assert.Single(outcomes.OfType<string>()));
        Assert.Empty(store.Private);
    }

    [Fact]
    public async Task What_a_dead_daemon_was_bringing_in_is_swept()
    {
        var sender = new Silent(Content(1 << 20));
        _ = ImportAsync(sender);
        await Eventually.HoldsAsync(() => store.Private.Any(file => new FileInfo(file).Length > 0));
        await daemon.CrashAsync();
        await using var other = await Daemon.StartAsync(store);
        await other.RecoverAsync();
        Assert.Empty(store.Private);
        Assert.Equal("", store.Names);
    }

    private static byte[] Content(int length, int seed = 1)
    {
        var content = new byte[length];
        new Random(seed).NextBytes(content);
        content[0] = 0xeb;
        return content;
    }

    private static string Sha256(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));

    private Task<TemplateDetails> ImportAsync(byte[] content, string? sha256 = null, Action<long>? progress = null, CancellationToken cancellationToken = default) =>
        ImportAsync(new MemoryStream(content), sha256, progress, cancellationToken: cancellationToken);

    private Task<TemplateDetails> ImportAsync(
        Stream content, string? sha256 = null, Action<long>? progress = null, Action<ImportProgress>? told = null, CancellationToken cancellationToken = default) =>
        daemon.Importer.ImportAsync(
            new NewTemplate(Sample.Centos, "upload", null, sha256),
            content,
            received =>
            {
                progress?.Invoke(received.Made ?? received.Received);
                told?.Invoke(received);
                return default;
            },
            () => Task.CompletedTask,
            cancellationToken);

    private TemplateRecord? Recorded()
    {
        using var file = File.OpenHandle(store[Template]);
        return TemplateRecords.Read(file, Template, store.Stat(Template).Fingerprint);
    }

    /// <summary>Breaks off after what it holds.</summary>
    private sealed class Broken(byte[] content) : MemoryStream(content)
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            await base.ReadAsync(buffer, cancellationToken) is > 0 and var read ? read : throw new IOException("broken off");
    }

    /// <summary>Sends nothing after what it holds, and does not end.</summary>
    private sealed class Silent(byte[] content) : MemoryStream(content)
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (await base.ReadAsync(buffer, cancellationToken) is > 0 and var read)
            {
                return read;
            }

            await Task.Delay(Timeout.Infinite, cancellationToken);
            return 0;
        }
    }
}
