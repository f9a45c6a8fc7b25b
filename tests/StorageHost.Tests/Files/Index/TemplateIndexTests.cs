using StorageHost.Files.Catalog;
using StorageHost.Files.Index;
using StorageHost.Images;
using StorageHost.Images.Names;
using StorageHost.Images.Templates;
using StorageHost.ImageStorages;
using StorageHost.Qemu;
using StorageHost.Tests.Images;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Files.Index;

public sealed class TemplateIndexTests : IAsyncLifetime
{
    private static readonly Fingerprint Replaced = new(2000, 5, 55);

    private readonly Store store = new();
    private readonly ManualTimeProvider time = new();
    private readonly Directories directories = new();
    private Daemon daemon = null!;
    private TemplateIndex index = null!;

    public async Task InitializeAsync()
    {
        daemon = await Daemon.StartAsync(store);
        index = new TemplateIndex(directories, daemon.Volume, Sample.Names, new ImageReader(Sample.Names, new ImageInspector(), daemon.Templates), time);
    }

    public async Task DisposeAsync()
    {
        await daemon.DisposeAsync();
        store.Dispose();
    }

    [Fact]
    public void Before_the_directory_was_read_there_are_none() => Assert.Empty(index.List());

    [Fact]
    public void The_templates_of_the_index_are_told_with_their_clones()
    {
        Know([Details(Sample.Debian), Details(Sample.Centos)], "web01.qcow2 centos", "web02.qcow2 centos", "web03.qcow2");
        Assert.Equal([(Sample.Centos, 2), (Sample.Debian, 0)], index.List().Select(each => (each.Details.Template.Image, each.LinkedClones)));
    }

    [Fact]
    public void What_this_daemon_made_is_there_until_the_index_knows_better()
    {
        Know([]);
        index.Add(Details(Sample.Centos));
        Assert.Equal([Sample.Centos], Names());
        Know([Details(Sample.Centos, Replaced)]);
        Assert.Equal(Replaced, index.List().Single().Details.Template.Fingerprint);
        Know([]);
        Assert.Empty(Names());
    }

    [Fact]
    public void What_this_daemon_deleted_is_gone_until_the_index_knows_of_another()
    {
        Know([Details(Sample.Centos)]);
        index.Remove(Sample.Centos);
        Assert.Empty(Names());
        Know([Details(Sample.Centos)]);
        Assert.Empty(Names());
        Know([Details(Sample.Centos, Replaced)]);
        Assert.Equal([Sample.Centos], Names());
    }

    [Fact]
    public void What_was_made_and_went_elsewhere_between_two_looks_is_forgotten_in_time()
    {
        Know([]);
        index.Add(Details(Sample.Centos));
        time.Advance(TimeSpan.FromMinutes(3));
        Know([]);
        Assert.Empty(Names());
    }

    [Fact]
    public async Task A_template_that_the_index_does_not_know_is_looked_for_by_its_name()
    {
        Know([], "web01.qcow2 centos");
        store.WriteTemplate(1000);
        using (var file = File.OpenHandle(store["centos_template.img"], FileMode.Open, FileAccess.ReadWrite))
        {
            TemplateRecords.Write(file, "centos", new TemplateRecord("upload", ManualTimeProvider.Start, "ab"));
        }

        var found = await index.FindAsync(Sample.Centos, CancellationToken.None);
        Assert.Equal(new TemplateRecord("upload", ManualTimeProvider.Start, "ab"), found.Details.Record);
        Assert.Equal((1000L, ImageFormat.Raw, 1), (found.Details.Template.Fingerprint.Size, found.Details.Header.Format, found.LinkedClones));
    }

    [Fact]
    public async Task One_that_is_nowhere_is_not_found()
    {
        Know([]);
        Assert.Equal(Refusal.ImageNotFound, (await Assert.ThrowsAsync<RefusedException>(async () => await index.FindAsync(Sample.Centos, CancellationToken.None))).Reason);
    }

    [Fact]
    public async Task A_protected_template_is_not_deleted_by_any_node()
    {
        store.WriteTemplate(1000);
        await daemon.Images.SetProtectedAsync(Sample.Centos, true, CancellationToken.None);
        Assert.Equal([Sample.Centos], (await daemon.Images.ScanAsync(CancellationToken.None)).Protected);
        await using var other = await Daemon.StartAsync(store);
        Assert.Equal(Refusal.ImageProtected, (await Assert.ThrowsAsync<RefusedException>(() => other.Remover.RemoveImageAsync(Sample.Centos, CancellationToken.None))).Reason);
        await other.Images.SetProtectedAsync(Sample.Centos, false, CancellationToken.None);
        await other.Images.SetProtectedAsync(Sample.Centos, false, CancellationToken.None);
        Assert.Empty((await daemon.Images.ScanAsync(CancellationToken.None)).Protected);
        await daemon.Remover.RemoveImageAsync(Sample.Centos, CancellationToken.None);
        Assert.Equal("", store.Names);
    }

    private static TemplateDetails Details(ImageName image, Fingerprint? state = null) =>
        new(Sample.Template(image, state), new ImageHeader(ImageFormat.Raw, 1000, null, null), null);

    private ImageName[] Names() => [.. index.List().Select(each => each.Details.Template.Image)];

    private void Know(TemplateDetails[] templates, params string[] disks)
    {
        var images = disks.Select(disk => disk.Split(' ')).Select(disk => new IndexedImage(disk[0], disk[0], "web", 1, disk.Length > 1 ? disk[1] : null));
        directories.Facts = new Facts<DirectoryFacts>(new DirectoryFacts("xfs", "", "", "", 1, 1, [.. images], []) { Templates = templates }, time.GetUtcNow(), null);
    }

    private sealed class Directories : IDirectorySource
    {
        public Facts<DirectoryFacts> Facts { get; set; } = Facts<DirectoryFacts>.None;

        public IReadOnlyList<(string Name, Facts<DirectoryFacts> Facts)> Latest => [("vms", Facts)];
    }
}
