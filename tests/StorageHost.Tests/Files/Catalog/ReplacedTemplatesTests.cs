using StorageHost.Files.Catalog;
using StorageHost.Files.Posix;
using StorageHost.Images;
using StorageHost.Tests.Images;
using Xunit;

namespace StorageHost.Tests.Files.Catalog;

public sealed class ReplacedTemplatesTests : IDisposable
{
    private const string Template = "centos_template.img";

    private static readonly string Version = VersionFiles.NameOf(Sample.Centos, 1);

    private readonly Store store = new();
    private readonly ReplacedTemplates replaced = new(Sample.Names);
    private readonly DirectoryHandle mount;

    public ReplacedTemplatesTests()
    {
        store.WriteTemplate([1]);
        Directory.CreateDirectory(store[VersionFiles.Folder]);
        mount = store.Open();
    }

    public void Dispose()
    {
        mount.Dispose();
        store.Dispose();
    }

    [Fact]
    public void A_template_is_none()
    {
        using var file = mount.Open(Template);
        Assert.False(replaced.IsReplaced(mount, Sample.Centos));
        Assert.False(replaced.IsReplaced(mount, file, Sample.Centos));
        replaced.RefuseReplaced(mount, file, Sample.Centos);
    }

    [Fact]
    public void A_template_that_is_gone_is_one()
    {
        mount.TryUnlink(Template);
        Assert.True(replaced.IsReplaced(mount, Sample.Centos));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_mark_tells_it_of_a_version_and_of_a_file_that_is_no_version(bool isKept)
    {
        using var file = mount.Open(Template);
        Assert.True(!isKept || store.Link(Template, Version));
        mount.TryUnlink(Template);
        store.WriteTemplate([2]);
        Assert.False(replaced.IsReplaced(mount, file, Sample.Centos));
        replaced.Mark(file, Sample.Centos);
        Assert.True(replaced.IsReplaced(mount, file, Sample.Centos));
        Assert.False(replaced.IsReplaced(mount, Sample.Centos));
        var refused = Assert.Throws<RefusedException>(() => replaced.RefuseReplaced(mount, file, Sample.Centos));
        Assert.Equal((Refusal.JobConflict, TransientRetry.Forgotten), (refused.Reason, refused.RetryAfter));
    }

    [Fact]
    public void What_is_cleared_is_none()
    {
        using var file = mount.Open(Template);
        mount.TryUnlink(Template);
        replaced.Mark(file, Sample.Centos);
        replaced.Clear(file, Sample.Centos);
        replaced.Clear(file, Sample.Centos);
        Assert.False(replaced.IsReplaced(mount, file, Sample.Centos));
    }

    [Fact]
    public void A_version_that_was_put_back_by_hand_is_none_whatever_its_mark_says()
    {
        using (var file = mount.Open(Template))
        {
            Assert.True(store.Link(Template, Version));
            replaced.Mark(file, Sample.Centos);
        }

        Assert.False(replaced.IsReplaced(mount, Sample.Centos));
        Assert.True(mount.TryRename(Version, Template));
        Assert.False(replaced.IsReplaced(mount, Sample.Centos));
    }
}
