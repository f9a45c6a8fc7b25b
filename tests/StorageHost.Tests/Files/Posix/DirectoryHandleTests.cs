using StorageHost.Files.Posix;
using Xunit;

namespace StorageHost.Tests.Files.Posix;

public sealed class DirectoryHandleTests : IDisposable
{
    private readonly Store store = new();
    private readonly DirectoryHandle mount;

    public DirectoryHandleTests()
    {
        mount = store.Open();
        store.Write("file", 1, 2, 3);
        store.Write("other", 4);
        Directory.CreateDirectory(store["directory"]);
        File.CreateSymbolicLink(store["link"], store["file"]);
    }

    public void Dispose()
    {
        mount.Dispose();
        store.Dispose();
    }

    [Fact]
    public void Only_a_name_that_does_not_exist_is_absent()
    {
        Assert.False(mount.TryStat("absent", out _));
        Assert.Null(mount.TryOpen("absent"));
        Assert.False(mount.TryUnlink("absent"));
        Assert.False(mount.TryRename("absent", "new"));
        Fails(Errno.NoEntry, () => mount.Open("absent"));
        using var file = mount.Open("file");
        Assert.Equal(LinkOutcome.Gone, mount.Link("absent", file, "new"));
        Fails(Errno.NoEntry, () => mount.MakeDirectory("absent/new"));
        Fails(Errno.NoEntry, () => mount.List("absent"));
    }

    [Fact]
    public void A_name_that_is_another_files_by_now_stays()
    {
        Assert.True(mount.TryStat("file", out var stat));
        Assert.False(mount.TryUnlink("file", ofInode: stat.Inode + 1));
        Assert.True(store.Has("file"));
        Assert.False(mount.TryUnlink("absent", ofInode: stat.Inode));
        Assert.True(mount.TryUnlink("file", ofInode: stat.Inode));
        Assert.False(store.Has("file"));
    }

    [Fact]
    public void Any_other_failure_keeps_its_errno()
    {
        const int NotDirectory = 20, IsDirectory = 21, NameTooLong = 36;
        Fails(NotDirectory, () => mount.TryStat("file/x", out _));
        Fails(NotDirectory, () => mount.TryOpen("file/x"));
        Fails(NotDirectory, () => mount.TryRename("file/x", "y"));
        Fails(NotDirectory, () => mount.TryUnlink("file/x"));
        Fails(NotDirectory, () => mount.List("file"));
        Fails(IsDirectory, () => mount.TryOpen("directory", Syscalls.ReadWrite));
        Fails(IsDirectory, () => mount.TryUnlink("directory"));
        Fails(NameTooLong, () => mount.TryStat(new string('a', 300), out _));
        Fails(Errno.Exists, () => mount.TryOpen("file", Syscalls.ReadWrite | Syscalls.Create | Syscalls.Exclusive, 0x180));
        mount.TryRename("file", "directory/file");
        Fails(Errno.NotEmpty, () => mount.TryUnlink("directory", Syscalls.AtRemoveDir));
    }

    [Fact]
    public void The_failure_says_which_call_on_which_name()
    {
        var failure = Assert.Throws<StorageException>(() => mount.TryUnlink("directory"));
        Assert.Equal(("unlink", "directory", "unlink directory: EISDIR"), (failure.Call, failure.File, failure.Message));
        Assert.Equal("4095", Errno.Name(4095));
    }

    [Fact]
    public void Symbolic_links_are_not_followed()
    {
        Assert.True(mount.TryStat("link", out var stat));
        Assert.False(stat.IsRegular);
        Fails(Errno.TooManyLinks, () => mount.TryOpen("link"));
        Assert.True(mount.TryUnlink("link"));
        Assert.True(store.Has("file"));
    }

    [Fact]
    public void Opening_a_pipe_does_not_wait_for_its_other_end()
    {
        NativeCalls.MakeFifo(store["pipe"]);
        using var pipe = mount.Open("pipe");
        Assert.False(DirectoryHandle.Stat(pipe, "pipe").IsRegular);
    }

    [Fact]
    public void Stat_tells_size_time_inode_and_names()
    {
        Assert.True(mount.TryStat("file", out var stat));
        Assert.Equal((3L, 1u, true), (stat.Fingerprint.Size, stat.Links, stat.IsRegular));
        Assert.Equal((Store.Written - DateTime.UnixEpoch).Ticks * 100, stat.Fingerprint.ModifiedNs);
        using var file = mount.Open("file");
        Assert.Equal(stat, DirectoryHandle.Stat(file, "file"));
        Assert.Equal(LinkOutcome.Linked, mount.Link("file", file, "second"));
        Assert.Equal((2u, stat.Inode), (DirectoryHandle.Stat(file, "file").Links, store.Stat("second").Inode));
    }

    [Fact]
    public void A_link_never_replaces_another_file()
    {
        using var file = mount.Open("file");
        Assert.Equal(LinkOutcome.Taken, mount.Link("file", file, "other"));
        Assert.Equal([4], store.Read("other"));
        Assert.Equal(LinkOutcome.Linked, mount.Link("file", file, "new"));
        Assert.Equal(2u, store.Stat("file").Links);
    }

    [Fact]
    public void A_link_that_is_done_already_is_found()
    {
        using var file = mount.Open("file");
        Assert.Equal(LinkOutcome.Linked, mount.Link("file", file, "new"));
        Assert.Equal(LinkOutcome.Found, mount.Link("file", file, "new"));
        Assert.Equal(2u, store.Stat("file").Links);
    }

    [Fact]
    public void A_private_name_is_removed_once()
    {
        Assert.True(mount.TryUnlinkOwn("file"));
        Assert.False(mount.TryUnlinkOwn("file"));
        Fails(Errno.IsDirectory, () => mount.TryUnlinkOwn("."));
    }

    [Fact]
    public void A_rename_replaces_what_has_the_name()
    {
        Assert.True(mount.TryRename("file", "other"));
        Assert.Equal([1, 2, 3], store.Read("other"));
        Assert.False(store.Has("file"));
    }

    [Fact]
    [System.Runtime.Versioning.SupportedOSPlatform("linux")]
    public void A_directory_is_made_unless_it_is_there()
    {
        mount.MakeDirectory("new");
        mount.MakeDirectory("new");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(store["new"]));
    }

    [Fact]
    public void A_listing_holds_every_name()
    {
        var names = Enumerable.Range(0, 800).Select(number => $"{new string('n', 100)}-é-{number}").Order(StringComparer.Ordinal).ToArray();
        foreach (var name in names)
        {
            File.WriteAllBytes(store[$"directory/{name}"], []);
        }

        Assert.True(names.SequenceEqual(mount.List("directory").Order(StringComparer.Ordinal), StringComparer.Ordinal));
        Assert.Equal("directory file link other", string.Join(' ', mount.List(".").Order(StringComparer.Ordinal)));
    }

    [Fact]
    public void A_directory_that_was_moved_away_is_still_the_one_that_is_worked_in()
    {
        using var moved = store.Open();
        Directory.Move(store["directory"], store["elsewhere"]);
        using var directory = new DirectoryHandle(DirectoryHandle.OpenDirectory(store["elsewhere"]));
        Directory.CreateDirectory(store["directory"]);
        Directory.Move(store["elsewhere"], store["again"]);
        directory.MakeDirectory("made");
        Assert.True(Directory.Exists(store["again/made"]));
        Assert.Empty(Directory.EnumerateFileSystemEntries(store["directory"]));
    }

    [Fact]
    public void The_room_on_the_volume_is_what_the_system_says()
    {
        var (space, drive) = (mount.Space(), new DriveInfo(store.Path));
        Assert.Equal(drive.TotalSize, space.TotalBytes);
        Assert.InRange(space.FreeBytes, 1, space.TotalBytes);
        Assert.InRange(Math.Abs(drive.AvailableFreeSpace - space.FreeBytes), 0, 16L << 30);
    }

    [Fact]
    public void What_fsync_and_write_say_is_not_hidden()
    {
        using var device = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.Write);
        Fails(Errno.Invalid, () => DirectoryHandle.Sync(device, "null"));
        using var full = File.OpenHandle("/dev/full", FileMode.Open, FileAccess.ReadWrite);
        Fails(Errno.NoSpace, () => Blocks.Write(full, "full", [1], 0));
    }

    private static void Fails(int errno, Action call) => Assert.Equal(errno, Assert.Throws<StorageException>(call).Errno);

    private static void Fails(int errno, Func<object?> call) => Assert.Equal(errno, Assert.Throws<StorageException>(call).Errno);
}
