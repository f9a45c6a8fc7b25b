using System.Security.Cryptography;
using FsCheck;
using FsCheck.Fluent;
using StorageHost.Files.Importing;
using StorageHost.Images;
using StorageHost.Images.Templates;
using StorageHost.Tests.Files.Unwrapping;
using StorageHost.Tests.Images;
using StorageHost.Tests.Qemu;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Files.Importing;

public sealed class UploadStoreTests : IAsyncLifetime
{
    private const string Template = "centos_template.img";
    private const int MiB = 1 << 20;

    private readonly Store store = new();
    private Daemon daemon = null!;

    public async Task InitializeAsync() => daemon = await Daemon.StartAsync(store);

    public async Task DisposeAsync()
    {
        await daemon.DisposeAsync();
        store.Dispose();
    }

    [Fact]
    public void Pieces_of_any_length_that_any_daemon_is_sent_are_the_template() => Prop.ForAll<byte[], int>((lengths, seed) => Eventually.Result(async () =>
    {
        await using var other = await Daemon.StartAsync(store);
        var random = new Random(seed);
        var content = Content((2 * MiB) + random.Next(MiB), seed);
        content.AsSpan(random.Next(MiB), MiB).Clear();
        var upload = await BeginAsync(content.Length, Sha256(content));
        var offset = 0;
        foreach (var length in lengths.Select(length => Math.Min((length * 9973) + 1, content.Length)).Append(content.Length))
        {
            await using var open = await (random.Next(2) == 0 ? daemon : other).Uploads.OpenAsync(upload.Id, CancellationToken.None);
            Assert.Equal(offset, open.Status.Offset);
            var piece = content.AsMemory(offset, Math.Min(length, content.Length - offset));
            await open.AppendAsync(new MemoryStream(piece.ToArray()), _ => default, CancellationToken.None, CancellationToken.None);
            offset += piece.Length;
            Assert.Equal(offset, open.Status.Offset);
        }

        var made = await PublishAsync(upload);
        Assert.Equal(Sha256(content), made.Record!.Sha256);
        Assert.True(store.Read(Template).AsSpan().SequenceEqual(content));
        Assert.Equal((1u, Template), (store.Stat(Template).Links, store.Names));
        Assert.Empty(await daemon.Uploads.ListAsync(CancellationToken.None));
        Assert.Empty(Directory.GetFiles(store[UploadFiles.Folder], "*", SearchOption.AllDirectories));
        Assert.Empty(store.Private);
        File.Delete(store[Template]);
        return true;
    })).Check(Config.QuickThrowOnFailure.WithMaxTest(20));

    [Fact]
    public async Task What_is_said_of_an_upload_is_known_to_every_daemon()
    {
        var upload = new Upload(UploadId.New(), Sample.Centos, 3 * MiB, Sha256([1]), ImageFormat.Qcow2, true, ManualTimeProvider.Start);
        Assert.Equal(new UploadStatus(upload, 0, ManualTimeProvider.Start), await daemon.Uploads.CreateAsync(upload, CancellationToken.None));
        await AppendAsync(upload, Content(12345));
        await using var other = await Daemon.StartAsync(store);
        var expected = new UploadStatus(upload, 12345, daemon.Clock.GetUtcNow());
        Assert.Equal(expected, await other.Uploads.FindAsync(upload.Id, CancellationToken.None));
        Assert.Equal(expected, Assert.Single(await other.Uploads.ListAsync(CancellationToken.None)));
    }

    [Theory]
    [InlineData((2 * MiB) + 1234)]
    [InlineData(2 * MiB)]
    [InlineData(MiB)]
    public async Task What_came_before_the_sender_broke_off_stays(int length)
    {
        var content = Content((3 * MiB) + 77);
        var upload = await BeginAsync(content.Length, Sha256(content));
        await Assert.ThrowsAsync<IOException>(() => AppendAsync(upload, new Broken(content[..length])));
        Assert.Equal(length, await OffsetAsync(upload));
        await AppendAsync(upload, content[length..]);
        await PublishAsync(upload);
        Assert.True(store.Read(Template).AsSpan().SequenceEqual(content));
    }

    [Fact]
    public async Task What_came_before_the_sender_left_stays()
    {
        var content = Content(3 * MiB);
        var upload = await BeginAsync(content.Length, Sha256(content));
        using var left = new CancellationTokenSource();
        await using (var open = await daemon.Uploads.OpenAsync(upload.Id, CancellationToken.None))
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => open.AppendAsync(new Silent(content[..(2 * MiB)], left), _ => default, left.Token, CancellationToken.None));
        }

        var offset = (int)await OffsetAsync(upload);
        Assert.InRange(offset, MiB, 2 * MiB);
        await AppendAsync(upload, content[offset..]);
        await PublishAsync(upload);
        Assert.True(store.Read(Template).AsSpan().SequenceEqual(content));
    }

    [Fact]
    public async Task What_somebody_continues_is_not_forgotten()
    {
        var upload = await BeginAsync(1000);
        await using (await daemon.Uploads.OpenAsync(upload.Id, CancellationToken.None))
        {
            Assert.False(await daemon.Uploads.ForgetAsync(upload.Id, CancellationToken.None));
        }

        Assert.True(await daemon.Uploads.ForgetAsync(upload.Id, CancellationToken.None));
        await IsGoneAsync(upload);
    }

    [Theory]
    [InlineData("gzip", false)]
    [InlineData("xz", true)]
    [InlineData("zstd", false)]
    public async Task What_was_sent_wrapped_is_unwrapped_at_the_end(string kind, bool isInParts)
    {
        await using var other = await Daemon.StartAsync(store);
        var content = Content((2 * MiB) + 777);
        var sent = Wrap.In(kind, content);
        var upload = await BeginAsync(sent.Length, Sha256(sent), ImageFormat.Raw);
        await AppendAsync(upload, sent[..MiB]);
        await using (var open = await (isInParts ? other : daemon).Uploads.OpenAsync(upload.Id, CancellationToken.None))
        {
            await open.AppendAsync(new MemoryStream(sent[MiB..]), _ => default, CancellationToken.None, CancellationToken.None);
            Assert.Equal(isInParts, open.IsInParts);
        }

        Assert.Equal(Sha256(sent), (await PublishAsync(upload)).Record!.Sha256);
        Assert.True(store.Read(Template).AsSpan().SequenceEqual(content));
        await IsGoneAsync(upload);
    }

    [Fact]
    public async Task What_cannot_be_unwrapped_ends_the_upload_and_leaves_nothing()
    {
        var sent = Wrap.In("gzip", Content(MiB))[..^20];
        var upload = await BeginAsync(sent.Length);
        await AppendAsync(upload, sent);
        Assert.Equal(Refusal.ImageRejected, (await Assert.ThrowsAsync<RefusedException>(() => PublishAsync(upload))).Reason);
        await IsGoneAsync(upload);
        Assert.Empty(store.Private);
    }

    [Fact]
    public async Task An_upload_that_finds_no_room_to_be_unwrapped_stays_and_takes_no_more_than_its_own()
    {
        var sent = Wrap.In("gzip", new byte[64 * MiB]);
        var upload = await BeginAsync(sent.Length);
        await AppendAsync(upload, sent);
        await using (var open = await daemon.Uploads.OpenAsync(upload.Id, CancellationToken.None))
        {
            var refused = await Assert.ThrowsAsync<RefusedException>(() => open.PublishAsync(
                at => at.Made > 4 * MiB ? throw new RefusedException(Refusal.NoSpace, "full") : default, () => Task.CompletedTask, CancellationToken.None));
            Assert.Equal(Refusal.NoSpace, refused.Reason);
        }

        Assert.Empty(store.Private);
        await PublishAsync(upload);
        Assert.Equal(64 * MiB, store.Read(Template).Length);
    }

    [Fact]
    public async Task What_was_not_durable_is_forgotten_also_below_zeros()
    {
        var upload = await BeginAsync(4 * MiB);
        var content = Content(MiB);
        await AppendAsync(upload, content);
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => AppendAsync(upload, new Silent(Content(2 * MiB, 7), stop), stop.Token));
        Assert.True(new FileInfo(store[UploadFiles.PartOf(upload.Id, 0)]).Length > MiB, "nothing was written that could be forgotten");
        Assert.Equal(MiB, await OffsetAsync(upload));
        await AppendAsync(upload, new byte[3 * MiB]);
        var made = await PublishAsync(upload);
        byte[] expected = [.. content, .. new byte[3 * MiB]];
        Assert.True(store.Read(Template).AsSpan().SequenceEqual(expected));
        Assert.Equal(Sha256(expected), made.Record!.Sha256);
    }

    [Fact]
    public async Task More_than_was_said_is_refused_and_what_was_right_stays()
    {
        var upload = await BeginAsync(MiB);
        var refused = await Assert.ThrowsAsync<RefusedException>(() => AppendAsync(upload, Content(MiB + 1)));
        Assert.Equal(Refusal.UploadConflict, refused.Reason);
        await AppendAsync(upload, Content(MiB)[(int)await OffsetAsync(upload)..]);
        await PublishAsync(upload);
    }

    [Fact]
    public async Task Another_digest_than_was_asked_for_ends_the_upload()
    {
        var upload = await BeginAsync(1000, Sha256([1]));
        await AppendAsync(upload, Content(1000));
        Assert.Equal(Refusal.DigestMismatch, (await Assert.ThrowsAsync<RefusedException>(() => PublishAsync(upload))).Reason);
        await IsGoneAsync(upload);
    }

    [Fact]
    public async Task Another_format_than_was_said_ends_the_upload()
    {
        var content = Qcow2Bytes.Version3();
        var upload = await BeginAsync(content.Length, format: ImageFormat.Raw);
        await AppendAsync(upload, content);
        var refused = await Assert.ThrowsAsync<RefusedException>(() => PublishAsync(upload));
        Assert.Equal((Refusal.ImageRejected, "the template centos is not taken: it is qcow2, not raw as was said"), (refused.Reason, refused.Message));
        await IsGoneAsync(upload);
    }

    [Fact]
    public async Task A_name_that_is_taken_meanwhile_is_left_alone_and_the_upload_can_be_finished_later()
    {
        var upload = await BeginAsync(1000);
        await AppendAsync(upload, Content(1000));
        store.Write(Template, 9);
        Assert.Equal(Refusal.ImageExists, (await Assert.ThrowsAsync<RefusedException>(() => PublishAsync(upload))).Reason);
        Assert.Equal([9], store.Read(Template));
        File.Delete(store[Template]);
        await PublishAsync(upload);
        Assert.Equal(Content(1000), store.Read(Template));
    }

    [Fact]
    public async Task A_publishing_that_was_cut_short_after_the_link_is_finished()
    {
        var upload = await BeginAsync(1000);
        await AppendAsync(upload, Content(1000));
        Assert.True(store.Link(UploadFiles.PartOf(upload.Id, 0), Template));
        var before = store.Stat(Template).Fingerprint;
        await IsGoneAsync(upload);
        Assert.Equal((1u, before, Template), (store.Stat(Template).Links, store.Stat(Template).Fingerprint, store.Names));
    }

    [Fact]
    public async Task What_was_published_before_the_upload_could_be_removed_is_not_published_again()
    {
        var upload = await BeginAsync(1000);
        await AppendAsync(upload, Content(1000));
        File.Move(store[UploadFiles.PartOf(upload.Id, 0)], store[Template]);
        await IsGoneAsync(upload);
        Assert.Equal(Content(1000), store.Read(Template));
    }

    [Fact]
    public async Task A_file_that_one_mount_writes_to_no_other_does()
    {
        await using var other = await Daemon.StartAsync(store);
        var upload = await BeginAsync(1000);
        await AppendAsync(upload, Content(600)[..400]);
        await using (var open = await other.Uploads.OpenAsync(upload.Id, CancellationToken.None))
        {
            await open.AppendAsync(new MemoryStream(Content(600)[400..]), _ => default, CancellationToken.None, CancellationToken.None);
        }

        Assert.Equal(Content(600)[..400], store.Read(UploadFiles.PartOf(upload.Id, 0))[..400]);
        Assert.Equal(Content(600)[400..], store.Read(UploadFiles.PartOf(upload.Id, 1))[..200]);
        await AppendAsync(upload, new byte[400]);
        var inode = store.Stat(UploadFiles.PartOf(upload.Id, 2)).Inode;
        await PublishAsync(upload);
        Assert.Equal([.. Content(600), .. new byte[400]], store.Read(Template));
        Assert.NotEqual(inode, store.Stat(Template).Inode);
    }

    [Fact]
    public async Task Whoever_comes_later_on_another_daemon_goes_on_and_the_older_one_is_told()
    {
        await using var other = await Daemon.StartAsync(store);
        var upload = await BeginAsync(1000);
        await AppendAsync(upload, Content(100));
        var older = await daemon.Uploads.OpenAsync(upload.Id, CancellationToken.None);
        var newer = other.Uploads.OpenAsync(upload.Id, CancellationToken.None);
        await Eventually.HoldsAsync(() => older.Overtaken.IsCancellationRequested, daemon.Clock, TimeSpan.FromSeconds(1));
        Assert.False(newer.IsCompleted);
        await older.DisposeAsync();
        await Eventually.HoldsAsync(() => newer.IsCompleted, other.Clock, TimeSpan.FromMilliseconds(10));
        await using var open = await newer;
        Assert.Equal(100, open.Status.Offset);
        Assert.False(open.Overtaken.IsCancellationRequested);
    }

    [Fact]
    public async Task Whoever_does_not_end_is_not_waited_for_for_ever()
    {
        await using var other = await Daemon.StartAsync(store);
        var upload = await BeginAsync(1000);
        await using var older = await daemon.Uploads.OpenAsync(upload.Id, CancellationToken.None);
        var newer = other.Uploads.OpenAsync(upload.Id, CancellationToken.None);
        await Eventually.HoldsAsync(() => newer.IsCompleted, other.Clock, TimeSpan.FromMilliseconds(100));
        Assert.Equal(Refusal.UploadConflict, (await Assert.ThrowsAsync<RefusedException>(() => newer)).Reason);
    }

    [Fact]
    public async Task Whoever_continues_an_upload_is_told_when_it_is_removed()
    {
        var upload = await BeginAsync(1000);
        await using var open = await daemon.Uploads.OpenAsync(upload.Id, CancellationToken.None);
        Assert.True(await daemon.Uploads.RemoveAsync(upload.Id, CancellationToken.None));
        await Eventually.HoldsAsync(() => open.Overtaken.IsCancellationRequested, daemon.Clock, TimeSpan.FromSeconds(1));
        Assert.False(await daemon.Uploads.RemoveAsync(upload.Id, CancellationToken.None));
    }

    [Fact]
    public async Task What_is_no_upload_is_passed_over()
    {
        var upload = await BeginAsync(1000);
        File.WriteAllText(store[$"{UploadFiles.Folder}/note"], "x");
        File.WriteAllText(store[UploadFiles.NameOf(UploadId.New())], "x");
        Directory.CreateDirectory(store[UploadFiles.NameOf(UploadId.New())]);
        Assert.Equal(upload.Id, Assert.Single(await daemon.Uploads.ListAsync(CancellationToken.None)).Upload.Id);
    }

    private static byte[] Content(int length, int seed = 1)
    {
        var content = new byte[length];
        new Random(seed).NextBytes(content);
        content[0] = 0xeb;
        return content;
    }

    private static string Sha256(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));

    private async Task<Upload> BeginAsync(long length, string? sha256 = null, ImageFormat? format = null)
    {
        var upload = new Upload(UploadId.New(), Sample.Centos, length, sha256, format, false, ManualTimeProvider.Start);
        await daemon.Uploads.CreateAsync(upload, CancellationToken.None);
        return upload;
    }

    private Task AppendAsync(Upload upload, byte[] content) => AppendAsync(upload, new MemoryStream(content));

    private async Task AppendAsync(Upload upload, Stream content, CancellationToken cancellationToken = default)
    {
        await using var open = await daemon.Uploads.OpenAsync(upload.Id, CancellationToken.None);
        await open.AppendAsync(content, _ => default, CancellationToken.None, cancellationToken);
    }

    private async Task<TemplateDetails> PublishAsync(Upload upload)
    {
        await using var open = await daemon.Uploads.OpenAsync(upload.Id, CancellationToken.None);
        return await open.PublishAsync(_ => default, () => Task.CompletedTask, CancellationToken.None);
    }

    private async Task<long> OffsetAsync(Upload upload) => (await daemon.Uploads.FindAsync(upload.Id, CancellationToken.None)).Offset;

    private async Task IsGoneAsync(Upload upload)
    {
        Assert.Equal(Refusal.UploadNotFound, (await Assert.ThrowsAsync<RefusedException>(() => AppendAsync(upload, []))).Reason);
        Assert.Equal(Refusal.UploadNotFound, (await Assert.ThrowsAsync<RefusedException>(() => OffsetAsync(upload))).Reason);
        Assert.Empty(Directory.GetFiles(store[UploadFiles.Folder], "*", SearchOption.AllDirectories));
    }

    /// <summary>Breaks off after what it holds.</summary>
    private sealed class Broken(byte[] content) : MemoryStream(content)
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            await base.ReadAsync(buffer, cancellationToken) is > 0 and var read ? read : throw new IOException("broken off");
    }

    /// <summary>Gives what it holds, and is then stopped.</summary>
    private sealed class Silent(byte[] content, CancellationTokenSource stop) : MemoryStream(content)
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (await base.ReadAsync(buffer, cancellationToken) is > 0 and var read)
            {
                return read;
            }

            await stop.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
            return 0;
        }
    }
}
