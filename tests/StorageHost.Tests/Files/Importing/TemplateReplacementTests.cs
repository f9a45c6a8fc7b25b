using StorageHost.Files.Catalog;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;
using StorageHost.Tests.Images;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Files.Importing;

public sealed class TemplateReplacementTests : IAsyncLifetime
{
    private const string Template = "centos_template.img";

    private readonly Store store = new();
    private Daemon daemon = null!;

    public async Task InitializeAsync()
    {
        daemon = await Daemon.StartAsync(store);
        daemon.Clock.Set(DateTimeOffset.UtcNow - ManualTimeProvider.Start);
    }

    public async Task DisposeAsync()
    {
        await daemon.DisposeAsync();
        store.Dispose();
    }

    [Fact]
    public async Task The_old_file_becomes_a_version_and_the_new_one_the_template()
    {
        await PutAsync(1);
        var before = store.Stat(Template);
        var made = await PutAsync(2);
        Assert.Equal((2, made.Template.Fingerprint), (store.Read(Template).Single(), store.Stat(Template).Fingerprint));
        Assert.Equal("1", Versions());
        Assert.Equal(before.Fingerprint, store.Stat(VersionFiles.NameOf(Sample.Centos, 1)).Fingerprint);
        Assert.Equal((1u, 1u), (store.Stat(Template).Links, store.Stat(VersionFiles.NameOf(Sample.Centos, 1)).Links));
        Assert.Empty(store.Private);
        var version = Assert.Single((await daemon.Images.ScanAsync(CancellationToken.None)).Versions);
        Assert.Equal((Sample.Centos, 1, before.Fingerprint, "upload"), (version.Image, version.Number, version.State, version.Record?.Source));
    }

    [Fact]
    public async Task Only_so_many_versions_are_kept_the_latest()
    {
        daemon.Kept.KeepVersions = 2;
        for (byte content = 1; content <= 5; content++)
        {
            await PutAsync(content);
        }

        Assert.Equal("3 4", Versions());
        daemon.Kept.KeepVersions = 0;
        await PutAsync(6);
        Assert.Equal(("", 6), (Versions(), store.Read(Template).Single()));
    }

    [Fact]
    public async Task A_rollback_changes_the_two_and_a_second_one_changes_them_back()
    {
        await PutAsync(1);
        var first = store.Stat(Template).Fingerprint;
        await PutAsync(2);
        var now = await daemon.Importer.RollbackAsync(Sample.Centos, CancellationToken.None);
        Assert.Equal((1, first), (store.Read(Template).Single(), now.Template.Fingerprint));
        Assert.Equal(("upload", "2"), (now.Record?.Source, Versions()));
        await daemon.Importer.RollbackAsync(Sample.Centos, CancellationToken.None);
        Assert.Equal((2, "3"), (store.Read(Template).Single(), Versions()));
    }

    [Fact]
    public async Task Without_a_version_there_is_no_rollback()
    {
        Assert.Equal(Refusal.ImageNotFound, (await RefusedAsync(() => daemon.Importer.RollbackAsync(Sample.Centos, CancellationToken.None))).Reason);
        await PutAsync(1);
        Assert.Equal(Refusal.VersionNotFound, (await RefusedAsync(() => daemon.Importer.RollbackAsync(Sample.Centos, CancellationToken.None))).Reason);
    }

    [Fact]
    public async Task A_replacement_that_was_cut_short_left_the_old_template_and_is_no_version()
    {
        await PutAsync(1);
        Directory.CreateDirectory(store[VersionFiles.Folder]);
        Assert.True(store.Link(Template, VersionFiles.NameOf(Sample.Centos, 1)));
        Assert.Equal(Refusal.VersionNotFound, (await RefusedAsync(() => daemon.Importer.RollbackAsync(Sample.Centos, CancellationToken.None))).Reason);
        await PutAsync(2);
        Assert.Equal((2, 1), (store.Read(Template).Single(), Versions().Split(' ').Length));
        await daemon.Importer.RollbackAsync(Sample.Centos, CancellationToken.None);
        Assert.Equal([1], store.Read(Template));
    }

    [Fact]
    public async Task Who_comes_while_another_replaces_it_is_told_so_and_leaves_nothing()
    {
        await PutAsync(1);
        await using var other = await Daemon.StartAsync(store);
        using var held = await other.RunAsync(session => LockFile.TryAcquire(session.Mount, $"{LockFile.PoolFolder}/.template-centos"));
        Assert.NotNull(held);
        Assert.Equal(Refusal.JobConflict, (await RefusedAsync(() => PutAsync(2))).Reason);
        Assert.Equal((1, ""), (store.Read(Template).Single(), Versions()));
        Assert.Empty(store.Private);
    }

    [Fact]
    public async Task Of_many_that_replace_it_on_two_nodes_each_that_was_answered_was_the_template_once()
    {
        daemon.Kept.KeepVersions = 100;
        await PutAsync(0);
        await using var other = await Daemon.StartAsync(store);
        other.Kept.KeepVersions = 100;
        var answered = await Task.WhenAll(Enumerable.Range(1, 20).Select(async content =>
        {
            try
            {
                await PutAsync((byte)content, content % 2 == 0 ? daemon : other);
                return content;
            }
            catch (RefusedException refused) when (refused.Reason == Refusal.JobConflict)
            {
                return 0;
            }
        }));
        var kept = Versions().Split(' ').Select(number => (int)File.ReadAllBytes(store[$"{VersionFiles.Folder}/centos.{number}"]).Single());
        Assert.Equal(answered.Append(0).Distinct().Order(), kept.Append(store.Read(Template).Single()).Order());
        Assert.Empty(store.Private);
    }

    [Fact]
    public async Task A_copy_of_the_old_file_is_no_disk_any_more()
    {
        await PutAsync(1);
        var copy = (await daemon.FillAsync(1)).Single();
        await PutAsync(2);
        Assert.Equal(PublishOutcome.Stale, (await daemon.PublishAsync(copy, Sample.Web01)).Outcome);
        Assert.Equal([2], store.Read((await daemon.Engine.MakeAsync(Sample.Centos, 1, _ => default, CancellationToken.None)).Single().File.Name));
    }

    [Fact]
    public async Task A_copy_of_a_file_that_is_replaced_meanwhile_is_given_up_soon()
    {
        store.WriteTemplate(24 << 20);
        var read = 0L;
        var refused = await RefusedAsync(() => daemon.Engine.MakeAsync(
            Sample.Centos,
            1,
            async progress =>
            {
                if (read == 0)
                {
                    await PutAsync(2);
                }

                read = progress.Position + 1;
                return Pace.Gentle;
            },
            CancellationToken.None));
        Assert.Equal((Refusal.JobConflict, TransientRetry.Forgotten), (refused.Reason, refused.RetryAfter));
        Assert.InRange(read, 4 << 20, 8 << 20);
        Assert.Empty(store.Private);
    }

    [Fact]
    public async Task A_replaced_file_bears_its_mark_until_it_is_the_template_again()
    {
        await PutAsync(1);
        await PutAsync(2);
        Assert.Equal((false, true), (IsMarked(Template), IsMarked(VersionFiles.NameOf(Sample.Centos, 1))));
        await daemon.Importer.RollbackAsync(Sample.Centos, CancellationToken.None);
        Assert.Equal((false, true), (IsMarked(Template), IsMarked(VersionFiles.NameOf(Sample.Centos, 2))));
    }

    [Fact]
    public async Task A_sender_who_has_left_changes_nothing()
    {
        await PutAsync(1);
        using var left = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => PutAsync(2, daemon, left.Cancel, left.Token));
        Assert.Equal((1, ""), (store.Read(Template).Single(), Versions()));
        Assert.Empty(store.Private);
    }

    [Fact]
    public async Task The_versions_go_with_their_template_and_those_of_others_stay()
    {
        await PutAsync(1);
        await PutAsync(2);
        store.Write($"{VersionFiles.Folder}/centos.7.1", 9);
        await daemon.Remover.RemoveImageAsync(Sample.Centos, CancellationToken.None);
        Assert.Equal("7.1", Versions());
    }

    private bool IsMarked(string name)
    {
        using var mount = store.Open();
        using var file = mount.Open(name);
        return ExtendedAttributes.Get(file, name, "user.storagehost.replaced") is not null;
    }

    private static Task<RefusedException> RefusedAsync(Func<Task> work) => Assert.ThrowsAsync<RefusedException>(work);

    /// <summary>The numbers of the versions that there are.</summary>
    private string Versions() => !Directory.Exists(store[VersionFiles.Folder]) ? "" : string.Join(' ', Directory.EnumerateFiles(store[VersionFiles.Folder])
        .Select(file => Path.GetFileName(file)["centos.".Length..]).Order(StringComparer.Ordinal));

    private Task<TemplateDetails> PutAsync(byte content, Daemon? at = null, Action? confirm = null, CancellationToken cancellationToken = default) =>
        (at ?? daemon).Importer.ImportAsync(
            new NewTemplate(Sample.Centos, "upload", null, null, Replace: true),
            new MemoryStream([content]),
            _ => default,
            () =>
            {
                confirm?.Invoke();
                return Task.CompletedTask;
            },
            cancellationToken);
}
