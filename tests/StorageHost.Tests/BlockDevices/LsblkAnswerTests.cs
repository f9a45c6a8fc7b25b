using System.Text;
using FsCheck;
using FsCheck.Fluent;
using StorageHost.BlockDevices;
using StorageHost.ImageStorages;
using Xunit;
using static StorageHost.Tests.BlockDevices.CannedLsblk;

namespace StorageHost.Tests.BlockDevices;

public sealed class LsblkAnswerTests
{
    private static readonly string[] Files = ["2.27", "2.31", "2.41", "zvols-and-others"];

    private static readonly string[] Inserts =
    [
        "", "\0", "\n", "\"", "\\", "\\x20", "\\xff", "\\u", "\\ud800", "\ud800", "\ufffd", "{", "}", "[", "]", ",", ":", "null", "true", "-1", "1e400",
        "99999999999999999999", "\"children\": 7", "\"maj:min\": \"8:0\"", "\"type\": null",
    ];

    // None of them is the name of a disk, and none is a part of one.
    private static readonly string[] Values =
        ["null", "true", "7", "-1", "1e400", "0B", "[]", "[null]", "{}", "\"\"", "\"disk\"", "\"part\"", "\"\\x20\"", "\"\\udc00\"", "\"8:0\"", "\"8:0:0\"", "\"\u0007\""];

    [Fact]
    public void Strings_padding_and_escapes_of_2_27_are_read()
    {
        var devices = LsblkAnswer.Read(Text("2.27")).Devices;
        Assert.Equal(
            ("/dev/sda", "8:0", 480103981056, "ATA", "Kingston SSDé \"A\"", "0x50026b7241023fa1"),
            (devices[0].Path, devices[0].Number, devices[0].Size, devices[0].Vendor, devices[0].Model, devices[0].Wwn));
        Assert.Equal(["/dev/sda1", "/dev/mapper/vg-data"], devices[0].Children.Select(child => child.Path).ToArray());
        Assert.Equal(["350026b7241023fa1", "vda"], new CannedLsblk().DisksIn(Text("2.27")).Select(disk => disk.Id).ToArray());
    }

    [Fact]
    public void Strings_of_2_31_are_read() =>
        Assert.Equal([("35000cca0aaaaaaaa", "ATA")], new CannedLsblk().DisksIn(Text("2.31")).Select(disk => (disk.Id, disk.Vendor)).ToArray());

    [Fact]
    public void Numbers_booleans_and_several_mount_points_of_2_41_are_read()
    {
        var disks = new CannedLsblk().DisksIn(Text("2.41"));
        Assert.Equal(["eui.36344730520000010025384500000001", "0x0c6f8e1a"], disks.Select(disk => disk.Id).ToArray());
        Assert.Equal(["259:0", "259:1"], disks[0].DeviceNumbers.Order(StringComparer.Ordinal).ToArray());
    }

    [Theory]
    [InlineData("""SSD\x20\x22A\x22""", "SSD \"A\"")]
    [InlineData("""\xc3\xa9\xff""", "é\ufffd")]
    [InlineData("""a\qb""", """a\qb""")]
    [InlineData("""a\x2""", """a\x2""")]
    [InlineData("""\u12""", """\u12""")]
    [InlineData("""\ud83d\ude00""", "😀")]
    [InlineData("""\ud83d-\ude00""", "\ufffd-\ufffd")]
    [InlineData("""\ud83d\u0041""", "\ufffdA")]
    [InlineData("""\\x20\"\/""", """\x20"/""")]
    [InlineData("""\u0000A\u0007B""", "A B")]
    [InlineData("a\tb\u0001", "a b")]
    public void A_string_that_is_none_of_JSON_is_read_as_far_as_it_goes(string written, string read) =>
        Assert.Equal(read, Assert.Single(LsblkAnswer.Read($$"""{"blockdevices":[{"kname":"sda","maj:min":"8:0","model":"{{written}}"}]}""").Devices).Model);

    [Fact]
    public void Bytes_that_are_no_UTF_8_take_nothing_else_with_them()
    {
        byte[] answer = [.. "{\"blockdevices\":[{\"kname\":\"sda\",\"maj:min\":\"8:0\",\"model\":\"A"u8, 0xff, 0xc3, .. "\",\"serial\":\"S\"}]}"u8];
        var device = Assert.Single(LsblkAnswer.Read(Encoding.UTF8.GetString(answer)).Devices);
        Assert.Equal(("A\ufffd\ufffd", "S"), (device.Model, device.Serial));
    }

    [Fact]
    public void An_entry_that_cannot_be_read_is_counted_and_what_is_built_on_it_stays()
    {
        var answer = LsblkAnswer.Read($$"""
            {"blockdevices":[ {{Device("sda", "8:0", "disk", "", Device("dm-0", "", "crypt", "", Device("dm-1", "253:1", "lvm")))}},
            null, "x", {"kname":"sdb"}, {"maj:min":"8:32"}, {"kname":"sdd","maj:min":"8.48"}, ]}
            """);
        Assert.Equal(6, answer.Unread);
        Assert.Equal("dm-1", Assert.Single(Assert.Single(answer.Devices).Children).Kname);
    }

    [Fact]
    public void Whatever_is_cut_or_inserted_it_is_read_or_refused() => Prop.ForAll(
        Arb.From(
            from file in Gen.Elements(Files)
            let text = Text(file)
            from cuts in Gen.ListOf(
                from at in Gen.Choose(0, text.Length)
                from length in Gen.OneOf(Gen.Choose(0, 8), Gen.Choose(0, 400))
                from insert in Gen.Elements(Inserts)
                select (at, length, insert), 3)
            select cuts.Aggregate(text, (left, cut) => Splice(left, cut.at, cut.length, cut.insert))),
        answer => Disks(answer).All(disk => disk.DeviceNumbers.Count > 0)).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));

    /// <summary>The members of what is no disk say anything, or are not there; a disk among them stays.</summary>
    [Fact]
    public void Whatever_an_entry_says_nothing_but_a_disk_is_listed() => Prop.ForAll(
        Arb.From(
            from names in Gen.Shuffle((string[])["zd0", "drbd1", "ublkb2", "ram3", "zram4", "loop5", "mmcblk0boot0", "sr0", "fd0", "nbd1", "rbd2", "dm-3", "md0", "nvme0c0n1"])
            from entries in names.Select(Entry).Aggregate(Gen.Constant(new List<string>()), (all, one) => from list in all from entry in one select list.Append(entry).ToList())
            from at in Gen.Choose(0, entries.Count)
            select entries.Take(at).Append(Device("sda", "8:0", "disk")).Concat(entries.Skip(at))),
        entries => new CannedLsblk().Disks([.. entries]) is [{ Path: "/dev/sda" }]).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    private static Gen<string> Entry(string name) =>
        from type in Gen.Elements(Values)
        from size in Gen.Elements(Values)
        from number in Gen.Elements("\"230:0\"", "\"230:16\"", "null", "7")
        from other in Gen.Elements(Values)
        from lacking in Gen.SubListOf("type", "size", "path", "maj:min", "wwn", "children")
        let members = new[] { ("type", type), ("size", size), ("path", other), ("maj:min", number), ("wwn", other), ("children", other) }
        let told = members.Where(member => !lacking.Contains(member.Item1)).Select(member => $",\"{member.Item1}\":{Json(member.Item2)}")
        select $"{{\"kname\":\"{name}\"{string.Concat(told)}}}";

    // Outside of a string it would break the answer as a whole, which the other property tries.
    private static string Json(string value) => value == "0B" ? "\"0B\"" : value;

    private static IReadOnlyList<PhysicalDisk> Disks(string answer)
    {
        try
        {
            return new CannedLsblk().DisksIn(answer);
        }
        catch (FactsException)
        {
            return [];
        }
    }

    private static string Splice(string text, int at, int length, string insert)
    {
        at = Math.Min(at, text.Length);
        return string.Concat(text.AsSpan(0, at), insert, text.AsSpan(Math.Min(text.Length, at + length)));
    }
}
