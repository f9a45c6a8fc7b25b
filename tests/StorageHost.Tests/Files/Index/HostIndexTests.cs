using StorageHost.Files.Index;
using StorageHost.Images;
using StorageHost.Images.Names;
using StorageHost.ImageStorages;
using StorageHost.Tests.Images;
using Xunit;

namespace StorageHost.Tests.Files.Index;

public sealed class HostIndexTests : IAsyncLifetime
{
    private readonly Store store = new();
    private readonly Directories directories = new();
    private Daemon daemon = null!;
    private HostIndex hosts = null!;

    public async Task InitializeAsync()
    {
        daemon = await Daemon.StartAsync(store);
        hosts = new HostIndex(directories, daemon.Volume, Sample.Names);
    }

    public async Task DisposeAsync()
    {
        await daemon.DisposeAsync();
        store.Dispose();
    }

    [Fact]
    public async Task A_host_in_another_letter_case_is_found_by_any_of_its_disks()
    {
        Know("Web01.qcow2", "DB_storage_5G", "mail.qcow2");
        Assert.Equal("Web01.qcow2", await FindAsync("web01"));
        Assert.Equal("Web01.qcow2", await FindAsync("WEB01"));
        Assert.Equal("DB_storage_5G", await FindAsync("db"));
        Assert.Equal((null, null, null), (await FindAsync("Web01"), await FindAsync("mail"), await FindAsync("web02")));
    }

    [Fact]
    public async Task Hosts_that_are_there_in_both_spellings_are_left_alone()
    {
        Know("Web01.qcow2", "web01_storage_5G");
        Assert.Equal((null, null), (await FindAsync("web01"), await FindAsync("Web01")));

        // Made by another daemon, and not in the index yet.
        store.Write("WEB01.qcow2", 1);
        Assert.Null(await FindAsync("WEB01"));
    }

    [Fact]
    public async Task A_host_that_was_deleted_since_stands_in_nobodys_way()
    {
        Know("Web01.qcow2");
        File.Delete(store["Web01.qcow2"]);
        Assert.Null(await FindAsync("web01"));
    }

    [Fact]
    public async Task What_this_daemon_made_is_known_before_and_after_the_index_knows_it()
    {
        Know("mail.qcow2");
        store.Write("Web01.qcow2", 1);
        hosts.Add(Sample.Host("Web01"), new FileName("Web01.qcow2"));
        Assert.Equal("Web01.qcow2", await FindAsync("web01"));

        // A look that had begun before it was made.
        Know("mail.qcow2", "mail_storage_5G");
        Assert.Equal("Web01.qcow2", await FindAsync("web01"));
        Know("mail.qcow2", "Web01.qcow2");
        Assert.Equal("Web01.qcow2", await FindAsync("web01"));
        Assert.Null(await FindAsync("Web01"));
    }

    [Fact]
    public async Task Before_the_directory_was_read_nothing_is_known_and_nobody_refused() => Assert.Null(await FindAsync("web01"));

    [Fact]
    public async Task Without_a_namesake_the_storage_is_not_asked()
    {
        Know("Web01.qcow2");
        await daemon.DisposeAsync();
        Assert.Equal((null, null), (await FindAsync("web02"), await FindAsync("Web01")));
        await Assert.ThrowsAsync<RefusedException>(() => FindAsync("web01"));
    }

    /// <summary>Makes files, and the index of them.</summary>
    private void Know(params string[] files)
    {
        foreach (var file in files)
        {
            store.Write(file, 1);
        }

        directories.Images = [.. files.Select(file => new IndexedImage(file, file, file.Split('.', '_')[0], 1, null))];
    }

    private async Task<string?> FindAsync(string hostname) => (await hosts.FindNamesakeAsync(Sample.Host(hostname), CancellationToken.None))?.Text;

    private sealed class Directories : IDirectorySource
    {
        public IReadOnlyList<IndexedImage>? Images { get; set; }

        public IReadOnlyList<(string Name, Facts<DirectoryFacts> Facts)> Latest =>
            [("images", Images is null ? Facts<DirectoryFacts>.None : new Facts<DirectoryFacts>(new DirectoryFacts("", "", "", "", 0, 0, Images, []), DateTimeOffset.UnixEpoch, null))];
    }
}
