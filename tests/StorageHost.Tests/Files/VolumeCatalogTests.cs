using StorageHost.Images;
using StorageHost.Images.Ports;
using StorageHost.Tests.Images;
using Xunit;

namespace StorageHost.Tests.Files;

public sealed class VolumeCatalogTests : IAsyncLifetime
{
    private readonly Store store = new();
    private Daemon daemon = null!;

    public async Task InitializeAsync()
    {
        store.WriteTemplate(10_000);
        store.WriteTemplate([1, 2], Sample.Debian);
        daemon = await Daemon.StartAsync(store);
    }

    public async Task DisposeAsync()
    {
        await daemon.DisposeAsync();
        store.Dispose();
    }

    [Fact]
    public async Task Templates_are_listed_sorted_and_nothing_else_is()
    {
        foreach (var name in new[] { "a_dup_1_ready", "web01.qcow2", "web01_storage_5G", "x.iso", "a_dup_b_template.img", "Zoe_template.img" })
        {
            store.Write(name, 1);
        }

        Assert.Equal("Zoe centos debian12", string.Join(' ', await daemon.Images.ListTemplatesAsync(CancellationToken.None)));
    }

    [Fact]
    public async Task A_scan_finds_templates_copies_levels_and_room()
    {
        var copies = await daemon.FillAsync(2);
        await daemon.Images.WriteLevelAsync(Sample.Centos, 2, CancellationToken.None);
        var scan = await daemon.Images.ScanAsync(CancellationToken.None);
        Assert.Equal(copies, scan.Copies.OrderBy(copy => copy.Number));
        Assert.Equal(
            [await daemon.Images.FindTemplateAsync(Sample.Centos, CancellationToken.None), await daemon.Images.FindTemplateAsync(Sample.Debian, CancellationToken.None)],
            scan.Templates.OrderBy(template => template.Image.Text, StringComparer.Ordinal));
        Assert.Equal(2, scan.Levels[Sample.Centos]);
        Assert.InRange(scan.Space.FreeBytes, 1, scan.Space.TotalBytes);
    }

    [Fact]
    public async Task A_folder_of_levels_that_cannot_be_read_leaves_the_images_unknown_and_hinders_nothing_else()
    {
        await daemon.FillAsync(1);
        await MakeUnreadableAsync("levels");

        var scan = await daemon.Images.ScanAsync(CancellationToken.None);

        Assert.Empty(scan.Levels);
        Assert.Equal([Sample.Centos, Sample.Debian], scan.Unknown.OrderBy(image => image.Text, StringComparer.Ordinal));
        Assert.Equal((2, 1), (scan.Templates.Count, scan.Copies.Count));
    }

    [Fact]
    public async Task While_nobody_can_tell_which_templates_are_protected_all_are()
    {
        await MakeUnreadableAsync("protected");

        var scan = await daemon.Images.ScanAsync(CancellationToken.None);
        Assert.Equal([Sample.Centos, Sample.Debian], scan.Protected.OrderBy(image => image.Text, StringComparer.Ordinal));
        Assert.Equal((2, 0), (scan.Templates.Count, scan.Unknown.Count));

        await Assert.ThrowsAsync<RefusedException>(() => daemon.Remover.RemoveImageAsync(Sample.Centos, CancellationToken.None));
        Assert.Contains("centos_template.img", store.Names, StringComparison.Ordinal);

        File.Delete(store[".storagehost/protected"]);
        Assert.Empty((await daemon.Images.ScanAsync(CancellationToken.None)).Protected);
    }

    [Fact]
    public async Task Versions_that_were_known_stay_while_nobody_can_tell_which_there_are()
    {
        Directory.CreateDirectory(store[".storagehost/versions"]);
        store.Write(".storagehost/versions/centos.1", 100);
        var known = Assert.Single((await daemon.Images.ScanAsync(CancellationToken.None)).Versions);
        File.Delete(store[".storagehost/versions/centos.1"]);
        await MakeUnreadableAsync("versions");

        var scan = await daemon.Images.ScanAsync(CancellationToken.None);
        Assert.Equal(known, Assert.Single(scan.Versions));
        Assert.Equal((2, 0), (scan.Templates.Count, scan.Unknown.Count));

        File.Delete(store[".storagehost/versions"]);
        Assert.Empty((await daemon.Images.ScanAsync(CancellationToken.None)).Versions);
    }

    [Fact]
    public async Task A_copy_that_is_being_claimed_is_not_taken_up()
    {
        await daemon.FillAsync(2);
        Assert.True(store.Link("centos_dup_1_ready", ".storagehost/second"));
        Assert.Equal(2, Assert.Single((await daemon.Images.ScanAsync(CancellationToken.None)).Copies).Number);
    }

    [Theory]
    [InlineData("web01.qcow2")]
    [InlineData(".storagehost/second")]
    public async Task A_copy_that_keeps_a_second_name_loses_that_of_its_pool(string other)
    {
        await daemon.FillAsync(2);
        Assert.True(store.Link("centos_dup_1_ready", other));
        await LookAsync();
        await LookAsync(seconds: 9.9);
        Assert.Contains("centos_dup_1_ready centos_dup_2_ready", store.Names, StringComparison.Ordinal);
        await LookAsync(seconds: 0.1);
        Assert.StartsWith("centos_dup_2_ready ", store.Names, StringComparison.Ordinal);
        Assert.True(File.Exists(store[other]));
    }

    [Fact]
    public async Task Of_a_copy_with_two_names_in_its_pool_one_stays()
    {
        await daemon.FillAsync(1);
        Assert.True(store.Link("centos_dup_1_ready", "centos_dup_7_ready"));
        await LookAsync();
        await LookAsync(seconds: 10);
        Assert.Single((await LookAsync()).Copies);
        Assert.Single(store.Names.Split(' '), name => name.EndsWith("_ready", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_copy_that_has_a_second_name_now_and_then_is_left_alone()
    {
        await daemon.FillAsync(1);
        for (var look = 0; look < 4; look++)
        {
            Assert.True(look % 2 == 0 ? store.Link("centos_dup_1_ready", ".storagehost/second") : await daemon.RunAsync(session => session.Mount.TryUnlink(".storagehost/second")));
            await LookAsync(seconds: 6);
        }

        Assert.StartsWith("centos_dup_1_ready ", store.Names, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_copy_that_was_touched_is_nobodys_copy()
    {
        await daemon.FillAsync(1);
        await File.AppendAllTextAsync(store["centos_dup_1_ready"], "x");
        Assert.Null(Assert.Single((await daemon.Images.ScanAsync(CancellationToken.None)).Copies).MadeFrom);
    }

    [Fact]
    public async Task A_copy_of_a_newer_daemon_is_neither_counted_nor_retired()
    {
        await daemon.FillAsync(2);
        using (var file = File.OpenHandle(store["centos_dup_1_ready"], FileMode.Open, FileAccess.ReadWrite))
        {
            NativeCalls.SetCopyRecord(file, "3 what only it knows"u8.ToArray());
        }

        for (var look = 0; look < 2; look++)
        {
            Assert.Equal(2, Assert.Single((await daemon.Images.ScanAsync(CancellationToken.None)).Copies).Number);
        }

        Assert.StartsWith("centos_dup_1_ready centos_dup_2_ready ", store.Names, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("link")]
    [InlineData("pipe")]
    [InlineData("directory")]
    public async Task What_is_no_file_but_has_the_name_of_one_of_ours_is_left_alone_and_hinders_nothing(string kind)
    {
        var names = new[] { "centos_dup_7_ready", "centos_dup_8copying", "odd_template.img" };
        foreach (var name in names)
        {
            Make(kind, store[name]);
        }

        await daemon.FillAsync(1);
        await daemon.RecoverAsync();
        var scan = await daemon.Images.ScanAsync(CancellationToken.None);
        Assert.Equal(1, Assert.Single(scan.Copies).Number);
        Assert.Equal($"centos_dup_1_ready {names[0]} {names[1]} centos_template.img debian12_template.img {names[2]}", store.Names);
    }

    [Fact]
    public async Task A_pool_is_one_daemons_at_a_time()
    {
        await using var other = await Daemon.StartAsync(store);
        var held = await daemon.Images.TryLockPoolAsync(Sample.Centos, CancellationToken.None);
        Assert.NotNull(held);
        Assert.Null(await other.Images.TryLockPoolAsync(Sample.Centos, CancellationToken.None));
        Assert.Null(await daemon.Images.TryLockPoolAsync(Sample.Centos, CancellationToken.None));
        await using var another = await other.Images.TryLockPoolAsync(Sample.Debian, CancellationToken.None);
        Assert.NotNull(another);
        await held.DisposeAsync();
        Assert.NotNull(await other.Images.TryLockPoolAsync(Sample.Centos, CancellationToken.None));
    }

    [Fact]
    public async Task What_another_daemon_has_claimed_is_counted()
    {
        store.WriteTemplate(1000);
        await using var other = await Daemon.StartAsync(store);
        var copies = await daemon.FillAsync(3);
        var claim = await other.Publisher.ClaimAsync(copies[0], CancellationToken.None);
        var scan = await daemon.Images.ScanAsync(CancellationToken.None);
        Assert.Equal((2, 1), (scan.Copies.Count, scan.HeldElsewhere[Sample.Centos]));
        Assert.Empty((await other.Images.ScanAsync(CancellationToken.None)).HeldElsewhere);
        await other.Publisher.RetireAsync(claim!, CancellationToken.None);
        Assert.Empty((await daemon.Images.ScanAsync(CancellationToken.None)).HeldElsewhere);
    }

    [Fact]
    public async Task Only_a_disk_that_does_not_exist_is_absent()
    {
        Assert.Null(await daemon.Publisher.FindAsync(Sample.Web01, null, CancellationToken.None));
        File.CreateSymbolicLink(store["web01.qcow2"], "/nowhere");
        Assert.Equal("web01.qcow2", (await daemon.Publisher.FindAsync(Sample.Web01, null, CancellationToken.None))!.Disk.Text);
    }

    [Fact]
    public async Task A_template_is_looked_at_without_its_header_or_with_it()
    {
        var found = await daemon.Images.FindTemplateAsync(Sample.Centos, CancellationToken.None);
        Assert.Equal((Sample.Centos, store.Stat("centos_template.img").Fingerprint), (found.Image, found.Fingerprint));
        Assert.Equal(found, await daemon.Images.InspectTemplateAsync(Sample.Centos, CancellationToken.None));
        store.Write("centos_template.img");
        await daemon.Images.FindTemplateAsync(Sample.Centos, CancellationToken.None);
        var refused = await Assert.ThrowsAsync<RefusedException>(() => daemon.Images.InspectTemplateAsync(Sample.Centos, CancellationToken.None));
        Assert.Equal(Refusal.ImageRejected, refused.Reason);
    }

    [Theory]
    [InlineData("centos_template.img", "centos")]
    [InlineData("./centos_template.img", "centos")]
    [InlineData("{directory}/centos_template.img", "centos")]
    [InlineData("/elsewhere/centos_template.img", null)]
    [InlineData("../centos_template.img", null)]
    [InlineData("sub/centos_template.img", null)]
    [InlineData("{directory}/../centos_template.img", null)]
    [InlineData("nbd:localhost:10809", null)]
    [InlineData("json:{\"file.filename\":\"/etc/passwd\"}", null)]
    [InlineData("web01.qcow2", null)]
    [InlineData("", null)]
    public void A_backing_file_is_one_of_our_templates_or_a_stranger(string backing, string? image) => Assert.Equal(
        image, daemon.Templates.BackingTemplate(backing.Replace("{directory}", store.Path, StringComparison.Ordinal))?.Text);

    // A file in place of the folder: listing it fails, whoever asks.
    private Task MakeUnreadableAsync(string folder)
    {
        var path = store[$".storagehost/{folder}"];
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }

        return File.WriteAllTextAsync(path, "");
    }

    private static void Make(string kind, string path)
    {
        switch (kind)
        {
            case "link": File.CreateSymbolicLink(path, "/etc/passwd"); break;
            case "pipe": NativeCalls.MakeFifo(path); break;
            default: Directory.CreateDirectory(path); break;
        }
    }

    private Task<VolumeScan> LookAsync(double seconds = 0)
    {
        daemon.Clock.Advance(TimeSpan.FromSeconds(seconds));
        return daemon.Images.ScanAsync(CancellationToken.None);
    }
}
