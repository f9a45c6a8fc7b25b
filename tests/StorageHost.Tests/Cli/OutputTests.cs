using System.Text.Json;
using StorageHost.Cli.Commands;
using StorageHost.Cli.Jobs;
using StorageHost.Cli.Output;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Cli;

[Collection(nameof(Console))]
public sealed class OutputTests
{
    private static readonly Column[] Columns =
    [
        new("NAME", "name"), new("SIZE", "size.bytes", ColumnKind.Bytes), new("ON", "on"), new("WHEN", "when", ColumnKind.Time),
        new("FILES", "files", ColumnKind.List), new("COUNT", "files", ColumnKind.Count),
    ];

    private static readonly JsonElement Row = JsonElement.Parse(
        """{"name":"a, \"b\"","size":{"bytes":1536},"on":true,"when":"2026-11-21T21:24:52.98+00:00","files":["x","y"]}""");

    [Fact]
    public void People_and_programs_are_shown_each_theirs()
    {
        Assert.Equal(["a, \"b\"", "1.5 KiB", "yes", "2026-11-21 21:24:52Z", "x, y", "2"], Columns.Select(column => column.Shown(Row)), StringComparer.Ordinal);
        Assert.Equal(["a, \"b\"", "1536", "yes", "2026-11-21T21:24:52.98+00:00", "x y", "2"], Columns.Select(column => column.Raw(Row)), StringComparer.Ordinal);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"name":null}""")]
    [InlineData("""{"name":""}""")]
    [InlineData("[]")]
    public void What_is_not_there_is_a_dash_or_nothing(string row)
    {
        Assert.Equal("-", Columns[0].Shown(JsonElement.Parse(row)));
        Assert.Equal("", Columns[0].Raw(JsonElement.Parse(row)));
    }

    [Fact]
    public void No_control_character_gets_to_a_terminal() =>
        Assert.Equal("?[31mred?", new Column("", "x").Shown(JsonElement.Parse("{\"x\":\"\\u001b[31mred\\u009b\"}")));

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1024, "1 KiB")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(10_240, "10 KiB")]
    [InlineData(1_048_575, "1 MiB")]
    [InlineData(10_737_418_240, "10 GiB")]
    [InlineData(long.MaxValue, "8192 PiB")]
    public void Bytes_have_a_unit(long bytes, string shown) => Assert.Equal(shown, Column.Bytes(bytes));

    [Fact]
    public void Csv_quotes_what_must_be_quoted() => Assert.Equal(
        "name,size.bytes\n\"a, \"\"b\"\"\",1536\n", Csv.Write(Columns[..2], [Row]));

    [Fact]
    public void A_plain_table_has_a_line_for_each_row() =>
        Assert.Equal("A     B\nlong  y\n-     x\n", PlainTable.Write(["A", "B"], [["long", "y"], ["-", "x"]]));

    [Fact]
    public void Without_a_terminal_a_bar_is_a_line_now_and_then()
    {
        var time = new ManualTimeProvider();
        var errors = new StringWriter();
        var stream = Console.Error;
        Console.SetError(errors);
        try
        {
            var tell = Bar.Lines("t", time);
            tell(new Progress(1, 10, "one"));
            tell(new Progress(2, 10, "two"));
            time.Advance(TimeSpan.FromSeconds(10));
            tell(new Progress(2, 10, "one"));
            tell(new Progress(3, 10, "three"));
        }
        finally
        {
            Console.SetError(stream);
        }

        Assert.Equal("storagehost: t: one\nstoragehost: t: three\n", errors.ToString());
    }

    [Theory]
    [InlineData("running", 5, 10, 1, "fill centos  running  5 B of 10 B  1 B/s  eta 5 s")]
    [InlineData("queued", 0, 0, 0, "fill centos  queued")]
    [InlineData("failed", 5, 10, 1, "fill centos  failed  5 B of 10 B")]
    [InlineData("succeeded", 10, 10, 1, "fill centos  succeeded")]
    public void A_job_is_told_in_one_line(string state, long done, long total, long rate, string text)
    {
        var job = JsonElement.Parse(
            $$"""{"kind":"fill","image":"centos","hostname":null,"state":"{{state}}","bytes_done":{{done}},"bytes_total":{{total}},"bytes_per_second":{{rate}}}""");
        Assert.Equal(text, JobFollower.ProgressOf(job).Text);
    }

    [Theory]
    [InlineData("ok", "ok", "null", 0)]
    [InlineData("degraded", "ok", "null", 1)]
    [InlineData("ok", "degraded", "null", 1)]
    [InlineData("ok", "ok", "\"full\"", 1)]
    [InlineData("ok", "unknown", "null", 3)]
    [InlineData("degraded", "unknown", "null", 1)]
    [InlineData("failed", "unknown", "null", 2)]
    [InlineData("degraded", "broken", "null", 2)]
    public void The_worst_says_how_everything_is(string check, string volume, string problem, int code)
    {
        var health = new Health();
        health.AddChecks(JsonElement.Parse($$"""{"checks":[{"name":"storage","state":"{{check}}","message":""}]}"""));
        health.AddVolumes([JsonElement.Parse($$"""{"volume_id":"v","status":"{{volume}}","status_msg":""}""")]);
        health.AddPools([JsonElement.Parse($$"""{"image":"centos","wanted":1,"ready":0,"problem":{{problem}}}""")]);
        Assert.Equal((code, 3), (health.Code, health.Rows.Count));
    }

    [Theory]
    [InlineData("web01", false, false, "/?action=host&target=web01")]
    [InlineData("web01.qcow2", true, true, "/?action=host&target=web01&purge=true&forever=true")]
    [InlineData("web01_storage_5G_1", false, false, "/?action=disk&target=web01_storage_5G_1")]
    [InlineData("../x y", false, false, "/?action=host&target=..%2Fx%20y")]
    public void What_is_deleted_is_named_as_the_interface_has_it(string name, bool purge, bool forever, string path) =>
        Assert.Equal(path, DiskCommands.Deletion(name, purge, forever).Path);
}
