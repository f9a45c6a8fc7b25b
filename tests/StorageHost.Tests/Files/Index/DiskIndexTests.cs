using StorageHost.Files.Index;
using StorageHost.Files.Posix;
using StorageHost.Images;
using StorageHost.Images.Disks;
using StorageHost.Images.Names;
using StorageHost.Images.Templates;
using StorageHost.ImageStorages;
using StorageHost.Qemu;
using StorageHost.Tests.Images;
using StorageHost.Tests.Qemu;
using Xunit;

namespace StorageHost.Tests.Files.Index;

public sealed class DiskIndexTests : IAsyncLifetime
{
    private static readonly DiskFilter Everything = new(null, null, null, null, 1000);

    private readonly Store store = new();
    private readonly Directories directories = new();
    private readonly KnownVersions versions = new();
    private Daemon daemon = null!;
    private ImageReader reader = null!;
    private DiskIndex index = null!;

    public async Task InitializeAsync()
    {
        daemon = await Daemon.StartAsync(store);
        reader = new ImageReader(Sample.Names, new ImageInspector(), daemon.Templates);
        index = new DiskIndex(directories, daemon.Volume, Sample.Names, reader, versions);
    }

    public async Task DisposeAsync()
    {
        await daemon.DisposeAsync();
        store.Dispose();
    }

    [Fact]
    public void Before_the_directory_was_read_there_are_none() => Assert.Equal(("", null), Names(Everything));

    [Fact]
    public void Pages_have_every_disk_once_in_order()
    {
        string[] files = [.. Enumerable.Range(0, 100).SelectMany(number => new[] { $"web{number}.qcow2", $"web{number}_storage_5G" }).Order(StringComparer.Ordinal)];
        Know([.. files.Select(file => Disk(file))]);
        foreach (var limit in new[] { 1, 7, 199, 200, 1000 })
        {
            var (seen, after) = (new List<string>(), (FileName?)null);
            do
            {
                var (page, next) = Names(Everything with { After = after, Limit = limit });
                Assert.InRange(page.Split(' ').Length, 1, limit);
                seen.AddRange(page.Split(' '));
                after = next is null ? null : new FileName(next);
            }
            while (after is not null);

            Assert.Equal(files, seen, StringComparer.Ordinal);
        }
    }

    [Fact]
    public void A_page_begins_behind_a_name_that_is_gone_by_now()
    {
        Know(Disk("a.qcow2"), Disk("c.qcow2"));
        Assert.Equal(("c.qcow2", null), Names(Everything with { After = new FileName("b.qcow2") }));
        Assert.Equal(("", null), Names(Everything with { After = new FileName("c.qcow2") }));
    }

    [Fact]
    public void Disks_are_chosen_by_host_image_and_kind()
    {
        Know(Disk("a.qcow2", "centos"), Disk("a_storage_5G"), Disk("b.qcow2", "debian12"), Disk("c.qcow2"), Disk("d.qcow2", null, backing: "centos"));
        Assert.Equal("a.qcow2 a_storage_5G", Names(Everything with { Hostname = Sample.Host("a") }).Page);
        Assert.Equal("a.qcow2 d.qcow2", Names(Everything with { Image = Sample.Centos }).Page);
        Assert.Equal("a_storage_5G", Names(Everything with { Kind = DiskKind.Data }).Page);
        Assert.Equal(("a.qcow2", "a.qcow2"), Names(Everything with { Kind = DiskKind.System, Limit = 1 }));
        Assert.Equal(("", null), Names(Everything with { Hostname = Sample.Host("a"), Image = Sample.Debian }));
    }

    [Fact]
    public void The_template_is_the_current_one_a_version_or_not_kept()
    {
        var (now, kept, gone) = (new Fingerprint(1, 1, 1), new Fingerprint(2, 2, 2), new Fingerprint(3, 3, 3));
        versions.TakeUp([new TemplateVersion(Sample.Centos, 4, kept, null)]);
        Know(Disk("a.qcow2", "centos", now), Disk("b.qcow2", "centos", kept), Disk("c.qcow2", "centos", gone), Disk("d.qcow2", "centos"), Disk("e.qcow2", null, backing: "centos"));
        directories.Facts = directories.Facts with { Value = directories.Facts.Value! with { Templates = [Details(now)] } };
        Assert.Equal(
            [(null, true), (4, false), (null, false), (null, null), (null, true)], index.List(Everything).Disks.Select(disk => (disk.Version, disk.IsCurrent)));
    }

    [Fact]
    public async Task A_disk_remembers_what_it_was_made_from_and_when()
    {
        store.WriteTemplate(100_000);
        await daemon.PublishAsync((await daemon.FillAsync(1)).Single(), Sample.Web01);
        await RealQemuImg.RunAsync("create", "-q", "-f", "qcow2", store["image"], "5G");
        await daemon.Publisher.PublishDataDiskAsync(File.OpenHandle(store["image"]), Sample.Web01, 5, null, CancellationToken.None);
        var created = daemon.Clock.GetUtcNow().ToUnixTimeMilliseconds();

        var system = (await index.FindAsync(new FileName("web01.qcow2"), CancellationToken.None)).Disk.Disk;
        Assert.Equal(
            new DiskInfo(
                "web01.qcow2", "web01", DiskKind.System, ImageFormat.Raw, 100_352, store.Stat("web01.qcow2").AllocatedBytes, null,
                new DiskOrigin("centos", store.Stat("centos_template.img").Fingerprint, created)),
            system);
        var data = (await index.FindAsync(new FileName("web01_storage_5G"), CancellationToken.None)).Disk.Disk;
        Assert.Equal((DiskKind.Data, ImageFormat.Qcow2, 5L << 30, new DiskOrigin(null, null, created)), (data.Kind, data.Format, data.VirtualBytes, data.Origin));
        store.Write("web02.qcow2", 1);
        Assert.Equal(new DiskOrigin(null, null, null), (await index.FindAsync(new FileName("web02.qcow2"), CancellationToken.None)).Disk.Disk.Origin);
    }

    [Fact]
    public async Task What_a_file_remembers_is_read_once_while_its_guest_writes()
    {
        store.WriteTemplate(100_000);
        await daemon.PublishAsync((await daemon.FillAsync(1)).Single(), Sample.Web01);
        var first = await daemon.RunAsync(session => reader.Read(session.Mount, store.Path, "web01.qcow2"));
        await File.AppendAllTextAsync(store["web01.qcow2"], new string('x', 100_000));
        var second = await daemon.RunAsync(session => reader.Read(session.Mount, store.Path, "web01.qcow2", first));
        Assert.Same(first!.Disk!.Origin, second!.Disk!.Origin);
        Assert.NotEqual(first.Disk.VirtualBytes, second.Disk.VirtualBytes);
    }

    [Fact]
    public async Task One_disk_is_looked_at_as_it_is_now()
    {
        store.Write("web01.qcow2", 1);
        Assert.False((await index.FindAsync(new FileName("web01.qcow2"), CancellationToken.None)).IsInUse);
        using var mount = store.Open();
        using var guest = mount.Open("web01.qcow2", Syscalls.ReadWrite);
        Assert.True(mount.Locks.TryLock(guest, "web01.qcow2", 100, 1));
        Assert.True((await index.FindAsync(new FileName("web01.qcow2"), CancellationToken.None)).IsInUse);
        var refused = await Assert.ThrowsAsync<RefusedException>(() => index.FindAsync(new FileName("web02.qcow2"), CancellationToken.None));
        Assert.Equal(Refusal.DiskNotFound, refused.Reason);
    }

    private static DiskInfo Disk(string file, string? image = null, Fingerprint? madeFrom = null, string? backing = null) => new(
        file, file.Split('.', '_')[0], file.EndsWith(".qcow2", StringComparison.Ordinal) ? DiskKind.System : DiskKind.Data, ImageFormat.Qcow2, 1, 1, backing,
        new DiskOrigin(image, madeFrom, null));

    private static TemplateDetails Details(Fingerprint state) => new(new Template(Sample.Centos, state, 1), new ImageHeader(ImageFormat.Raw, 1, null, null), null);

    private (string Page, string? Next) Names(DiskFilter filter) =>
        index.List(filter) is var page ? (string.Join(' ', page.Disks.Select(disk => disk.Disk.File)), page.Next) : default;

    private void Know(params DiskInfo[] disks) =>
        directories.Facts = new Facts<DirectoryFacts>(new DirectoryFacts("xfs", "", "", "", 1, 1, [], []) { Disks = disks }, null, null);

    private sealed class Directories : IDirectorySource
    {
        public Facts<DirectoryFacts> Facts { get; set; } = Facts<DirectoryFacts>.None;

        public IReadOnlyList<(string Name, Facts<DirectoryFacts> Facts)> Latest => [("vms", Facts)];
    }
}
