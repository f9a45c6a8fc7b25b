using FsCheck;
using FsCheck.Fluent;
using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Catalog;
using StorageHost.Files.Posix;
using StorageHost.Images.Pools;
using StorageHost.Images.Templates;
using Xunit;

namespace StorageHost.Tests.Files.Catalog;

public sealed class CopyRecordTests : IDisposable
{
    private static readonly Fingerprint Template = new(5, 1_700_000_000_123_456_789, 77);

    private readonly Store store = new();
    private readonly SafeFileHandle copy;

    public CopyRecordTests()
    {
        store.Write("copy", [.. "hello"u8]);
        copy = File.OpenHandle(store["copy"], FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
    }

    public void Dispose()
    {
        copy.Dispose();
        store.Dispose();
    }

    [Fact]
    public void Any_state_of_a_template_is_remembered() => Prop.ForAll(Arb.From(
        from size in Gen.Choose(0, int.MaxValue)
        from seconds in Gen.Choose(int.MinValue, int.MaxValue)
        from nanoseconds in Gen.Choose(0, 999_999_999)
        from inode in Gen.Choose(0, int.MaxValue)
        select new Fingerprint((long)size << 12, (seconds * 1_000_000_000L) + nanoseconds, (ulong)inode * 0x1_0000_0001)), of =>
    {
        CopyRecord.Write(copy, "copy", of, new string('f', 64));
        return CopyRecord.Read(copy, "copy") == new Origin(of, of.ModifiedNs) && DirectoryHandle.Stat(copy, "copy").Fingerprint.ModifiedNs == of.ModifiedNs;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void What_nobody_recorded_is_not_known() => Assert.Null(CopyRecord.Read(copy, "copy"));

    [Theory]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("1 5 6 7")]
    [InlineData("1 5 6 7 digest more")]
    [InlineData("2 5 6 7 digest")]
    [InlineData("1 -5 6 7 digest")]
    [InlineData("2 5 6 7 digest 8 more")]
    [InlineData("2 5 6 7 digest 8.0")]
    [InlineData("3 5 6 7 digest 8")]
    [InlineData("1 5 6.0 7 digest")]
    [InlineData("1 5 6 -7 digest")]
    [InlineData("1 5 6 99999999999999999999 digest")]
    public void A_record_that_is_none_is_not_guessed_at(string value)
    {
        NativeCalls.SetCopyRecord(copy, System.Text.Encoding.ASCII.GetBytes(value));
        Assert.Null(CopyRecord.Read(copy, "copy"));
    }

    [Fact]
    public void A_record_that_is_too_long_is_not_understood()
    {
        NativeCalls.SetCopyRecord(copy, new byte[1000]);
        Assert.Null(CopyRecord.Read(copy, "copy"));
    }

    [Fact]
    public void An_untouched_copy_is_whole() => Assert.True(IsWhole(Recorded()));

    [Fact]
    public void A_copy_of_another_state_is_not_whole()
    {
        var recorded = Recorded();
        Assert.False(CopyRecord.IsWhole(DirectoryHandle.Stat(copy, "copy"), recorded, Template with { Inode = 78 }));
        Assert.False(CopyRecord.IsWhole(DirectoryHandle.Stat(copy, "copy"), null, Template));
    }

    [Fact]
    public void A_copy_that_was_written_to_since_is_not_whole()
    {
        var recorded = Recorded();
        RandomAccess.Write(copy, [9], 0);
        Assert.False(IsWhole(recorded));
    }

    [Fact]
    public void A_copy_of_another_length_is_not_whole()
    {
        var recorded = Recorded();
        RandomAccess.SetLength(copy, 4);
        CopyRecord.Write(copy, "copy", Template, "digest");
        Assert.False(IsWhole(recorded));
    }

    /// <summary>As on a Gluster volume with shards.</summary>
    [Fact]
    public void Where_a_time_cannot_be_set_back_a_copy_is_whole_with_the_time_that_it_was_given()
    {
        NativeCalls.SetCopyRecord(copy, "2 5 1700000000123456789 77 digest 1800000000000000001"u8);
        var recorded = CopyRecord.Read(copy, "copy");
        Assert.Equal(new Origin(Template, 1_800_000_000_000_000_001), recorded);
        Assert.False(IsWhole(recorded));
        File.SetLastWriteTimeUtc(copy, DateTime.UnixEpoch.AddSeconds(1_800_000_000));
        Assert.True(IsWhole(recorded!.Value with { TimeNs = 1_800_000_000_000_000_000 }));
        Assert.False(IsWhole(new Origin(Template, Template.ModifiedNs)));
    }

    [Fact]
    public void A_copy_with_a_second_name_is_not_whole()
    {
        var recorded = Recorded();
        Assert.True(store.Link("copy", "second"));
        Assert.False(IsWhole(recorded));
    }

    private Origin? Recorded()
    {
        CopyRecord.Write(copy, "copy", Template, "digest");
        return CopyRecord.Read(copy, "copy");
    }

    [Theory]
    [InlineData("3 10 20 30 abc", true)]
    [InlineData("3", true)]
    [InlineData("2 10 20 30 abc 40", false)]
    [InlineData("99999999999999999999999 x", true)]
    [InlineData("1 10 20 30 abc", false)]
    [InlineData("0 10 20 30 abc", false)]
    [InlineData("-2 x", false)]
    [InlineData("3.5 x", false)]
    [InlineData("probe", false)]
    [InlineData("", false)]
    public void A_record_of_a_greater_version_is_a_newer_daemons(string record, bool isNewer)
    {
        NativeCalls.SetCopyRecord(copy, System.Text.Encoding.ASCII.GetBytes(record));
        Assert.Equal(isNewer, CopyRecord.IsNewer(copy, "copy"));
    }

    private bool IsWhole(Origin? recorded) => CopyRecord.IsWhole(DirectoryHandle.Stat(copy, "copy"), recorded, Template);
}
