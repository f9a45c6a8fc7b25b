using System.Collections;
using StorageHost.Files.Catalog;
using StorageHost.Files.Index;
using StorageHost.Files.Posix;
using StorageHost.Images.Templates;
using StorageHost.ImageStorages;
using StorageHost.Processes;
using StorageHost.Tests.Qemu;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Files.Index;

public sealed class ImageIndexTests : IDisposable
{
    private readonly WatchedImages images = new();

    [Fact]
    public async Task Every_kind_of_file_has_its_name_its_owner_and_its_virtual_size()
    {
        await images.CreateAsync("centos_template.img", "20G");
        await images.CreateAsync("centos_dup_3_ready", "20G");
        await images.CreateAsync("web01.qcow2", "30G");
        await images.CreateAsync("web01_storage_5G_1", "5G");
        images.Write("raw_template.img", 1000);
        images.Write("notes.txt");
        images.Write("centos_dup_4copying");
        Assert.Equal(
            [
                new IndexedImage("centos_dup_3_ready", "centos_dup_3_ready", "", 20L << 30, null),
                new IndexedImage("centos_template.img", "centos", "", 20L << 30, null),
                new IndexedImage("raw_template.img", "raw", "", 1024, null),
                new IndexedImage("web01.qcow2", "web01", "web01", 30L << 30, null),
                new IndexedImage("web01_storage_5G_1", "web01_storage_5G_1", "web01", 5L << 30, null),
            ],
            (await images.LookAsync()).Images);
    }

    [Fact]
    public async Task Only_what_changed_is_opened_again()
    {
        images.Write("a.qcow2");
        images.Write("b.qcow2");
        images.Write("other");
        Assert.Equal(2, await images.OpensAsync());
        var first = (await images.LookAsync()).Images;
        Assert.Equal(0, await images.OpensAsync());
        Assert.Same(first, (await images.LookAsync()).Images);

        images.Write("a.qcow2", 1024);
        Assert.Equal(1, await images.OpensAsync());
        Assert.Equal(1024, (await images.LookAsync()).Images[0].VirtualBytes);
        Assert.Same(first[1], (await images.LookAsync()).Images[1]);
    }

    [Fact]
    public async Task A_file_of_another_inode_is_read_again_though_size_and_time_are_the_same()
    {
        await images.CreateAsync("a.qcow2", "1G");
        await images.CreateAsync("b.qcow2", "2G");
        await images.LookAsync();
        var time = File.GetLastWriteTimeUtc(images.File("a.qcow2"));
        File.SetLastWriteTimeUtc(images.File("b.qcow2"), time);
        Directory.Move(images.File("b.qcow2"), images.File("c.qcow2"));
        File.Replace(images.File("c.qcow2"), images.File("a.qcow2"), null);
        Assert.Equal(time, File.GetLastWriteTimeUtc(images.File("a.qcow2")));
        Assert.Equal([new IndexedImage("a.qcow2", "a", "a", 2L << 30, null)], (await images.LookAsync()).Images);
    }

    [Fact]
    public async Task A_running_guest_that_only_writes_leaves_the_list_as_it_is()
    {
        images.Write("a.qcow2");
        var before = (await images.LookAsync()).Images;
        File.SetLastWriteTimeUtc(images.File("a.qcow2"), DateTime.UnixEpoch);
        Assert.Equal(1, await images.OpensAsync());
        Assert.Same(before, (await images.LookAsync()).Images);
    }

    [Fact]
    public async Task Names_that_vanish_leave_and_renamed_ones_come_back_under_their_new_name()
    {
        images.Write("a.qcow2");
        images.Write("b.qcow2");
        images.Write("c.qcow2");
        await images.LookAsync();
        Directory.Move(images.File("b.qcow2"), images.File("z.qcow2"));
        Directory.Move(images.File("a.qcow2"), images.File("away"));
        Assert.Equal(1, await images.OpensAsync());
        Assert.Equal(["c.qcow2", "z.qcow2"], await FileNamesAsync());
    }

    [Fact]
    public async Task Linked_clones_name_their_template_whatever_they_are_themselves()
    {
        await images.CreateAsync("centos_template.img", "1G");
        foreach (var (name, backing) in new[]
        {
            ("a.qcow2", "centos_template.img"), ("b.qcow2", "./centos_template.img"), ("c.qcow2", images.File("centos_template.img")), ("d_template.img", "centos_template.img"),
            ("e.qcow2", "/served/debian_template.img"), ("f.qcow2", "/elsewhere/centos_template.img"), ("g.qcow2", "a.qcow2"), ("h.qcow2", "../centos_template.img"),
        })
        {
            await images.CreateAsync(name, "1G", "-u", "-F", "qcow2", "-b", backing);
        }

        string?[] expected = ["centos", "centos", "centos", null, "centos", "debian", null, null, null];
        Assert.Equal(expected, (await images.LookAsync()).Images.Select(image => image.Template).ToArray());
    }

    [Fact]
    public async Task The_header_that_a_guest_writes_into_a_raw_disk_makes_it_neither_a_clone_nor_another_size()
    {
        await images.CreateAsync("centos_template.img", "1G");
        await images.CreateAsync("a.qcow2", "1G", "-u", "-F", "qcow2", "-b", "centos_template.img");
        var length = new FileInfo(images.File("a.qcow2")).Length;
        using (var file = File.OpenHandle(images.File("a.qcow2"), access: FileAccess.ReadWrite))
        {
            PublishedFormat.Write(file, "a.qcow2", ImageFormat.Raw, length);
        }

        var disk = (await images.LookAsync()).Images.Single(image => image.FileName == "a.qcow2");
        Assert.Equal((null, length), (disk.Template, disk.VirtualBytes));
    }

    [Fact]
    public async Task A_size_that_nobody_can_know_is_0_and_one_that_a_broken_header_tells_is_kept()
    {
        await images.CreateAsync("cut.qcow2", "1G");
        await images.CreateAsync("corrupt.qcow2", "3G");
        await RealQemuImg.RunAsync("create", "-q", "-f", "vmdk", images.File("foreign.qcow2"), "4G");
        using (var cut = new FileStream(images.File("cut.qcow2"), FileMode.Open))
        {
            cut.SetLength(20);
        }

        using (var corrupt = new FileStream(images.File("corrupt.qcow2"), FileMode.Open))
        {
            // The lowest byte of the incompatible features; bit 1 is "corrupt".
            corrupt.Position = 79;
            corrupt.WriteByte(2);
        }

        Assert.Equal([3L << 30, 0, 0], await SizesAsync());
    }

    [Fact]
    public async Task What_cannot_be_read_is_no_image_until_it_can_and_what_was_known_stays_known()
    {
        images.Write("a.qcow2");
        await images.LookAsync();
        images.Write("a.qcow2", 2048);
        images.Write("b.qcow2");
        images.CannotRead = true;
        Assert.Equal([new IndexedImage("a.qcow2", "a", "a", 512, null)], (await images.LookAsync()).Images);
        images.CannotRead = false;
        Assert.Equal([2048, 512], await SizesAsync());
    }

    [Fact]
    public async Task An_empty_mount_point_is_not_taken_for_the_volume_that_was_mounted_there()
    {
        images.LiesOn = new MountPoint("nfs4", "/mnt/nas", "nas:/export", "0:60");
        images.Write("a.qcow2");
        await images.LookAsync();
        images.LiesOn = new MountPoint("ext4", "/", "/dev/vda", "254:0");
        var fault = await Assert.ThrowsAsync<FactsException>(images.LookAsync);
        Assert.Equal("the volume is not mounted any more: the directory lay on nfs4, and now lies on ext4", fault.Message);
        images.LiesOn = new MountPoint("nfs4", "/mnt/nas", "nas:/export", "0:61");
        Assert.Equal("0:61", (await images.LookAsync()).DeviceNumber);
    }

    [Fact]
    public async Task Links_pipes_and_directories_under_an_images_name_are_never_opened()
    {
        File.CreateSymbolicLink(images.File("link.qcow2"), "/etc/passwd");
        Directory.CreateDirectory(images.File("directory.qcow2"));
        await ShellAsync("mkfifo", images.File("pipe.qcow2"));
        images.Write("was.qcow2");
        Assert.Equal(1, await images.OpensAsync());
        Assert.Equal(["was.qcow2"], await FileNamesAsync());

        Directory.Move(images.File("was.qcow2"), images.File("aside"));
        File.CreateSymbolicLink(images.File("was.qcow2"), "aside");
        Assert.Equal(0, await images.OpensAsync());
        Assert.Empty(await FileNamesAsync());
        using var pass = NewPass(ImageIndex.Empty);
        Assert.True(pass.Advance(() => false));
        Assert.Equal(4, pass.Skipped);
    }

    [Fact]
    public async Task Hostile_names_are_nobodys()
    {
        string[] names = ["a\nb.qcow2", "é.qcow2", " .qcow2", "-rf.qcow2", ".qcow2", "x" + new string('y', 240) + ".qcow2", "a_dup_99999999999_ready", "$(id).qcow2"];
        foreach (var name in names)
        {
            images.Write(name);
        }

        await ShellAsync("sh", "-c", "cd \"$1\" && : > \"$(printf 'a\\377.qcow2')\" && : > \"$(printf 'a\\376.qcow2')\"", "sh", images.Path);
        images.Write("z.qcow2");
        Assert.Equal(["z.qcow2"], await FileNamesAsync());
        Assert.Equal(0, await images.OpensAsync());

        // .NET cannot name these, and so not delete them either.
        await ShellAsync("find", images.Path, "-name", "a?.qcow2", "-delete");
    }

    [Fact]
    public void A_pass_in_slices_sees_what_one_in_a_whole_does()
    {
        foreach (var name in Enumerable.Range(0, 50))
        {
            images.Write($"vm{name:00}.qcow2");
        }

        using var pass = NewPass(ImageIndex.Empty);
        var slices = 0;
        for (var looks = 0; !pass.Advance(() => looks++ % 3 == 2); slices++)
        {
            Assert.InRange(slices, 0, 50);
        }

        Assert.InRange(slices, 16, 50);
        Assert.Equal(Enumerable.Range(0, 50).Select(name => $"vm{name:00}.qcow2").ToArray(), pass.Finish().Images.Select(image => image.FileName).ToArray());
    }

    [Fact]
    public void After_any_changes_the_index_is_what_a_new_one_would_be()
    {
        var random = new Random(20260);
        var index = ImageIndex.Empty;
        for (var round = 0; round < 60; round++)
        {
            for (var changes = random.Next(6); changes >= 0; changes--)
            {
                // Names on both sides of each other in any order: '.', '-', digits, capitals.
                var name = $"{(char)random.Next('A', 'F')}{(random.Next(2) == 0 ? "-" : "")}{random.Next(3)}{(random.Next(4) == 0 ? ".txt" : ".qcow2")}";
                if (random.Next(3) == 0)
                {
                    images.Write(name);
                    images.Remove(name);
                }
                else
                {
                    images.Write(name, 512 * random.Next(1, 9));
                }
            }

            index = Look(index);
            var fresh = Look(ImageIndex.Empty);
            Assert.Equal(fresh.Images, index.Images);
            Assert.Equal(fresh.Count, index.Count);
        }

        Assert.NotEmpty(index.Images);
    }

    [Fact]
    public void A_name_that_a_changing_directory_shows_twice_is_one_image()
    {
        var twice = new IndexedFile("a.qcow2", new Fingerprint(1, 1, 1), new IndexedImage("a.qcow2", "a", "a", 1, null));
        var index = ImageIndex.Empty.Next(new BitArray(0), [twice, twice]);
        Assert.Single(index.Images);
        Assert.Single(index.Next(new BitArray(1, true), [twice with { Fingerprint = new Fingerprint(2, 2, 2) }]).Images);
    }

    [Fact]
    public void A_look_at_unchanged_files_allocates_nothing_for_each()
    {
        const int Files = 2000;
        foreach (var name in Enumerable.Range(0, Files))
        {
            images.Write(name % 2 == 0 ? $"vm{name}.qcow2" : $"notes{name}.txt", 0);
        }

        var index = Look(ImageIndex.Empty);
        Look(index);
        using var pass = NewPass(index);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.True(pass.Advance(() => false));
        Assert.Same(index, pass.Finish());
        // The smallest object has 24 bytes; some are there for the look itself.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 12 * Files);
    }

    public void Dispose() => images.Dispose();

    private static async Task ShellAsync(string program, params string[] arguments)
    {
        var runner = Programs.Runner;
        var result = await runner.RunAsync(new ProcessCommand(program, arguments), CancellationToken.None);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
    }

    private async Task<string[]> FileNamesAsync() => [.. (await images.LookAsync()).Images.Select(image => image.FileName)];

    private async Task<List<long>> SizesAsync() => [.. (await images.LookAsync()).Images.Select(image => image.VirtualBytes)];

    private IndexPass NewPass(ImageIndex before) => new(before, images.Reader, new DirectoryHandle(DirectoryHandle.OpenDirectory(images.Path)), images.Path);

    private ImageIndex Look(ImageIndex before)
    {
        using var pass = NewPass(before);
        Assert.True(pass.Advance(() => false));
        return pass.Finish();
    }
}
