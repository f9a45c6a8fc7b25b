using StorageHost.Files.Catalog;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images.Names;
using StorageHost.Tests.Processes;
using Xunit;

namespace StorageHost.Tests.Files.Catalog;

public sealed class TemplateListTests : IDisposable
{
    private static readonly TimeSpan Rescan = TimeSpan.FromSeconds(5);

    private readonly Scratch scratch = new();
    private readonly ShiftedTime time = new();
    private readonly TemplateList list;
    private readonly DirectoryHandle mount;

    public TemplateListTests()
    {
        list = new TemplateList(new FileNames("_template.img"), new StorageOptions { RescanInterval = Rescan }, time);
        mount = new DirectoryHandle(DirectoryHandle.OpenDirectory(Directory.CreateDirectory(scratch.File("images")).FullName));
    }

    [Fact]
    public void Templates_are_listed_sorted_and_nothing_else_is()
    {
        Add("debian_template.img", "centos_template.img", "web01.qcow2", "_template.img", "centos_dup_1_ready");
        Assert.Equal(["centos", "debian"], Read());
        Assert.Equal(4, list.ReadAll(mount).Count);
    }

    [Fact]
    public void An_old_directory_that_did_not_change_is_read_once()
    {
        Add("centos_template.img");
        Age(TimeSpan.FromMinutes(1));
        Assert.Same(list.Read(mount), list.Read(mount));
    }

    [Fact]
    public void A_regular_look_serves_the_next_request()
    {
        Add("centos_template.img");
        Age(TimeSpan.FromMinutes(1));
        list.ReadAll(mount);
        var first = list.Read(mount);
        Assert.Same(first, list.Read(mount));
        list.ReadAll(mount);
        Assert.NotSame(first, list.Read(mount));
    }

    [Fact]
    public void A_template_is_seen_as_soon_as_it_is_there_and_not_after_it_is_gone()
    {
        Age(TimeSpan.FromMinutes(1));
        for (var round = 0; round < 50; round++)
        {
            Add($"centos{round}_template.img");
            Assert.Equal([$"centos{round}"], Read());
            Directory.Move(scratch.File($"images/centos{round}_template.img"), scratch.File($"away{round}"));
            Assert.Empty(Read());
        }
    }

    [Fact]
    public void A_change_within_the_same_tick_as_the_one_before_is_seen()
    {
        var modified = Age(TimeSpan.Zero);
        Assert.Empty(Read());
        Add("centos_template.img");
        Directory.SetLastWriteTimeUtc(scratch.File("images"), modified);
        Assert.Equal(["centos"], Read());
    }

    [Fact]
    public void A_change_that_left_no_trace_at_all_is_seen_after_two_regular_looks_at_the_latest()
    {
        var modified = Age(TimeSpan.FromMinutes(1));
        Assert.Empty(Read());
        Add("centos_template.img");
        Directory.SetLastWriteTimeUtc(scratch.File("images"), modified);
        Assert.Empty(Read());
        time.Passed = Rescan * 2;
        Assert.Equal(["centos"], Read());
    }

    [Fact]
    public void A_clock_that_is_set_back_makes_no_listing_good_for_longer()
    {
        var modified = Age(TimeSpan.FromMinutes(1));
        Assert.Empty(Read());
        Add("centos_template.img");
        Directory.SetLastWriteTimeUtc(scratch.File("images"), modified);
        (time.Set, time.Passed) = (TimeSpan.FromHours(-2), Rescan * 2);
        Assert.Equal(["centos"], Read());
    }

    [Fact]
    public void A_directory_from_the_future_is_read_every_time()
    {
        Age(TimeSpan.FromMinutes(-5));
        Assert.NotSame(Assert.IsType<ImageName[]>(Touched()), Touched());

        IReadOnlyList<ImageName> Touched()
        {
            Add("centos_template.img");
            Age(TimeSpan.FromMinutes(-5));
            return list.Read(mount);
        }
    }

    public void Dispose()
    {
        mount.Dispose();
        scratch.Dispose();
    }

    private string[] Read() => [.. list.Read(mount).Select(image => image.Text)];

    private void Add(params string[] names) => Array.ForEach(names, name => File.WriteAllText(scratch.File($"images/{name}"), ""));

    private DateTime Age(TimeSpan age)
    {
        var modified = (TimeProvider.System.GetUtcNow() - age).UtcDateTime;
        Directory.SetLastWriteTimeUtc(scratch.File("images"), modified);
        return Directory.GetLastWriteTimeUtc(scratch.File("images"));
    }

    private sealed class ShiftedTime : TimeProvider
    {
        public TimeSpan Passed { get; set; }

        public TimeSpan Set { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Passed + Set;

        public override long GetTimestamp() => base.GetTimestamp() + (long)(Passed.TotalSeconds * TimestampFrequency);
    }
}
