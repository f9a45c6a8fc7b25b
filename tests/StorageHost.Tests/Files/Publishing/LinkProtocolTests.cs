using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Catalog;
using StorageHost.Files.Posix;
using StorageHost.Files.Publishing;
using StorageHost.Images;
using StorageHost.Images.Disks;
using StorageHost.Images.Names;
using Xunit;

namespace StorageHost.Tests.Files.Publishing;

public sealed class LinkProtocolTests : IDisposable
{
    private static readonly FileName Disk = new("web01.qcow2");

    private readonly Store store = new();
    private readonly DirectoryHandle mount;
    private readonly SafeFileHandle file;

    public LinkProtocolTests()
    {
        mount = store.Open();
        store.Write("private", 1, 2, 3);
        file = mount.Open("private");
    }

    public void Dispose()
    {
        file.Dispose();
        mount.Dispose();
        store.Dispose();
    }

    [Fact]
    public void A_published_file_has_its_final_name_and_no_other()
    {
        Assert.Equal(NamingOutcome.Published, Publish());
        Assert.Equal(("web01.qcow2", 1u), (store.Names, store.Stat("web01.qcow2").Links));
        Assert.Equal([1, 2, 3], store.Read("web01.qcow2"));
    }

    [Fact]
    public void A_name_that_is_taken_stays_whose_it_is()
    {
        store.Write("web01.qcow2", 9);
        Assert.Equal(NamingOutcome.Taken, Publish());
        Assert.Equal([9], store.Read("web01.qcow2"));
        Assert.Equal("private web01.qcow2", store.Names);
    }

    [Fact]
    public void A_name_is_taken_by_anything_that_has_it()
    {
        File.CreateSymbolicLink(store["web01.qcow2"], "/nowhere");
        Assert.Equal(NamingOutcome.Taken, Publish());
    }

    [Fact]
    public void A_caller_who_has_left_before_the_link_leaves_all_as_it_was()
    {
        Assert.Equal(NamingOutcome.Abandoned, Publish(mayLink: () => store.Names != "private"));
        Assert.Equal("private", store.Names);
    }

    [Fact]
    public void A_link_that_was_done_although_it_said_otherwise_is_ours()
    {
        Assert.True(store.Link("private", "web01.qcow2"));
        Assert.Equal(NamingOutcome.Published, Publish());
        Assert.Equal(("web01.qcow2", 1u), (store.Names, store.Stat("web01.qcow2").Links));
    }

    [Fact]
    public void A_name_that_another_daemon_may_have_given_to_a_recovered_file_is_told_to_nobody_else()
    {
        // Whoever had claimed it first may live and hold it still.
        RecoveredMark.Write(file, "private");
        Assert.True(store.Link("private", "web01.qcow2"));
        var failure = Assert.Throws<StorageException>(() => Publish());
        Assert.Equal((true, "web01.qcow2"), (failure.LeavesOutcomeUnknown, store.Names));
    }

    [Fact]
    public void A_file_whose_private_name_was_recovered_before_is_lost_and_nothing_is_given_a_name()
    {
        mount.TryRename("private", "recovered");
        Assert.Equal(NamingOutcome.Gone, Publish());
        Assert.Equal("recovered", store.Names);
    }

    [Fact]
    public void A_link_that_a_client_made_although_the_private_name_had_gone_is_taken_back()
    {
        // As a FUSE client does, which links the inode that it remembers: the name is there, the private one is not.
        mount.TryRename("private", "web02.qcow2");
        Assert.True(store.Link("web02.qcow2", "web01.qcow2"));
        Assert.Equal(NamingOutcome.Gone, Commit());
        Assert.Equal(("web02.qcow2", 1u), (store.Names, store.Stat("web02.qcow2").Links));
    }

    [Fact]
    public void A_name_stays_when_a_recovery_has_removed_the_private_one_of_two()
    {
        Assert.True(store.Link("private", "web01.qcow2"));
        mount.TryUnlink("private");
        Assert.Equal(NamingOutcome.Published, Commit());
        Assert.Equal(("web01.qcow2", 1u), (store.Names, store.Stat("web01.qcow2").Links));
    }

    [Fact]
    public void A_name_stays_when_the_request_was_answered_elsewhere_however_many_names_are_seen()
    {
        var mark = new RequestMark("key", "setimage centos web01", DiskSource.Pool);
        RequestMarks.Write(file, $".storagehost/{Guid.Empty:N}/claim-1-centos", mark);
        Assert.True(store.Link("private", "web01.qcow2"));
        Assert.NotNull(RequestMarks.Find(mount, Disk, mark, _ => mount.TryUnlinkOwn("private")));

        // What Gluster's client remembers for a second.
        Assert.True(store.Link("web01.qcow2", "remembered"));
        Assert.Equal(NamingOutcome.Published, Commit(mark));
        Assert.Equal("remembered web01.qcow2", store.Names);

        // Another request's answer says nothing of this one.
        Assert.Equal(NamingOutcome.Gone, Commit(mark with { Key = "another" }));
        Assert.Equal("remembered", store.Names);
    }

    [Fact]
    public void A_name_that_another_daemon_may_have_given_to_a_recovered_file_stays_and_its_outcome_is_unknown()
    {
        RecoveredMark.Write(file, "private");
        Assert.True(store.Link("private", "web01.qcow2"));
        mount.TryUnlink("private");
        Assert.Throws<StorageException>(() => Commit());
        Assert.Equal("web01.qcow2", store.Names);
    }

    [Fact]
    public void A_disk_that_a_guest_has_written_to_already_stays_and_its_outcome_is_unknown()
    {
        // The private name went, and nobody was told: the answer was lost, or a recovery was first.
        Assert.True(store.Link("private", "web01.qcow2"));
        mount.TryUnlink("private");
        File.AppendAllText(store["web01.qcow2"], "a guest's data");
        Assert.Throws<StorageException>(() => Commit());
        Assert.Equal(("web01.qcow2", 1u), (store.Names, store.Stat("web01.qcow2").Links));
    }

    [Fact]
    public void A_name_that_another_file_has_by_now_stays_when_the_claim_is_lost()
    {
        mount.TryRename("private", "web02.qcow2");
        store.Write("web01.qcow2", 9);
        Assert.Equal(NamingOutcome.Gone, Commit());
        Assert.Equal([9], store.Read("web01.qcow2"));
    }

    [Fact]
    public void A_disk_that_was_deleted_before_its_publisher_was_done_was_published()
    {
        mount.TryUnlink("private");
        Assert.Equal(NamingOutcome.Published, Commit());
    }

    [Fact]
    public void When_the_link_may_have_happened_the_file_is_no_pools_any_more()
    {
        // ENOTDIR, which no file system says of a link that it has made: it stands for whatever is unknown here.
        store.Write("file", 1);
        var failure = Assert.Throws<StorageException>(() => LinkProtocol.Publish(mount, file, "private", new FileName("file/web01.qcow2"), () => true, IsUntouched, mount.TryUnlinkOwn));
        Assert.Equal(("link", true), (failure.Call, failure.LeavesOutcomeUnknown));
        Assert.Equal("file", store.Names);
    }

    [Fact]
    public void When_the_name_cannot_be_made_durable_it_stays_and_the_private_one_goes()
    {
        using var device = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.Write);
        var failure = Assert.Throws<StorageException>(() => LinkProtocol.Publish(mount, device, "private", Disk, () => true, IsUntouched, mount.TryUnlinkOwn));
        Assert.Equal(("fsync", true, "web01.qcow2"), (failure.Call, failure.LeavesOutcomeUnknown, store.Names));
        Assert.Equal([1, 2, 3], store.Read("web01.qcow2"));
    }

    [Fact]
    public void When_the_commit_fails_the_name_stays_and_the_outcome_is_unknown()
    {
        var failure = Assert.Throws<StorageException>(() => LinkProtocol.Publish(
            mount, file, "private", Disk, () => true, IsUntouched, name => throw new StorageException("unlink", name, Errno.InputOutput)));
        Assert.True(failure.LeavesOutcomeUnknown);
        Assert.Equal("private web01.qcow2", store.Names);
    }

    private static bool IsUntouched(FileStat stat) => stat is { Links: 1, Fingerprint.Size: 3 };

    private NamingOutcome Publish(Func<bool>? mayLink = null) => LinkProtocol.Publish(mount, file, "private", Disk, mayLink ?? (() => true), IsUntouched, mount.TryUnlinkOwn);

    private NamingOutcome Commit(RequestMark? mark = null) =>
        LinkProtocol.Commit(mount, file, "private", Disk, IsUntouched, mount.TryUnlinkOwn, mark);
}
