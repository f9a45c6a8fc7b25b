using Microsoft.Win32.SafeHandles;
using StorageHost.Files;
using StorageHost.Images;
using Xunit;

namespace StorageHost.Tests.Files;

public sealed class PublishingTests : IDisposable
{
    private static readonly FileName Disk = new("web01.qcow2");

    private readonly Store store = new();
    private readonly Mount mount;
    private readonly SafeFileHandle file;

    public PublishingTests()
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
    public void A_published_file_has_its_final_name_and_keeps_its_private_one_until_it_is_tidied_up()
    {
        var seen = "";
        Assert.Equal(Publishing.Outcome.Published, Publish(() => (seen = store.Names).Length > 0));
        Assert.Equal(("private web01.qcow2", "private web01.qcow2", 2u), (seen, store.Names, store.Stat("web01.qcow2").Links));
        Assert.Equal([1, 2, 3], store.Read("web01.qcow2"));
    }

    [Fact]
    public void A_name_that_is_taken_stays_whose_it_is_and_nobody_is_answered()
    {
        store.Write("web01.qcow2", 9);
        Assert.Equal(Publishing.Outcome.Taken, Publish(() => throw new InvalidOperationException("answered")));
        Assert.Equal([9], store.Read("web01.qcow2"));
        Assert.Equal("private web01.qcow2", store.Names);
    }

    [Fact]
    public void A_name_is_taken_by_anything_that_has_it()
    {
        File.CreateSymbolicLink(store["web01.qcow2"], "/nowhere");
        Assert.Equal(Publishing.Outcome.Taken, Publish(() => true));
    }

    [Fact]
    public void When_the_caller_has_left_the_name_is_withdrawn()
    {
        Assert.Equal(Publishing.Outcome.Withdrawn, Publish(() => false));
        Assert.Equal("private", store.Names);
    }

    [Fact]
    public void Withdrawing_leaves_a_name_alone_that_became_another_files()
    {
        Assert.Equal(Publishing.Outcome.Withdrawn, Publish(() =>
        {
            mount.TryUnlink("web01.qcow2");
            store.Write("web01.qcow2", 9);
            return false;
        }));
        Assert.Equal([9], store.Read("web01.qcow2"));
        Assert.Equal("private web01.qcow2", store.Names);
    }

    [Fact]
    public void A_failure_leaves_no_name()
    {
        Assert.Throws<StorageException>(() => Publishing.Publish(mount, file, "private", new FileName("absent/web01.qcow2"), () => true));
        Assert.Equal("private", store.Names);
    }

    [Fact]
    public void A_file_that_could_not_be_made_durable_is_thrown_away()
    {
        using var device = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.Write);
        var failure = Assert.Throws<StorageException>(() => Publishing.Publish(mount, device, "private", Disk, () => true));
        Assert.Equal("fsync", failure.Call);
        Assert.False(store.Has("private"));
    }

    private Publishing.Outcome Publish(Func<bool> tryAnswer) => Publishing.Publish(mount, file, "private", Disk, tryAnswer);
}
