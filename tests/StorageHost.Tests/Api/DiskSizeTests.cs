using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using StorageHost.Api.Dispatch;
using StorageHost.Api.Errors;
using Xunit;

namespace StorageHost.Tests.Api;

/// <summary>The member <c>size</c> of <c>createvmform</c>.</summary>
public sealed class DiskSizeTests
{
    private const string Field = "createvmform.size";

    [Theory]
    [InlineData("\"size\":40", 40)]
    [InlineData("\"SIZE\":65536", 65536)]
    [InlineData("\"Size\":1", 1)]
    [InlineData("\"size\":0", null)]
    [InlineData("\"size\":-0", null)]
    [InlineData("\"size\":null", null)]
    [InlineData("\"siz\":40", null)]
    [InlineData("\"size\":null,\"Size\":40", 40)]
    public void A_size_is_read(string member, int? size) =>
        Assert.Equal(new SetImage(Reading.Image("centos"), Reading.Host("web01"), null, size), Reading.Command("POST", Body(member)));

    [Theory]
    [InlineData("\"size\":-1", "from 0 to 65536")]
    [InlineData("\"size\":65537", "from 0 to 65536")]
    [InlineData("\"size\":9223372036854775808", "from 0 to 65536")]
    [InlineData("\"size\":-99999999999999999999999999999999", "from 0 to 65536")]
    [InlineData("\"size\":4e1", "whole number, in digits")]
    [InlineData("\"size\":40.0", "whole number, in digits")]
    [InlineData("\"size\":\"40\"", "whole number, in digits")]
    [InlineData("\"size\":\"40G\"", "whole number, in digits")]
    [InlineData("\"size\":true", "whole number, in digits")]
    [InlineData("\"size\":[40]", "whole number, in digits")]
    [InlineData("\"size\":{\"gb\":40}", "whole number, in digits")]
    [InlineData("\"size\":40,\"Size\":40", "not in several letter cases")]
    public void Another_one_is_a_fault_that_is_named(string member, string fault)
    {
        var invalid = Reading.Invalid("POST", Body(member));
        Assert.Equal((ErrorTable.InvalidPayload, Field), (invalid.Kind, invalid.Fields()));
        Assert.Contains(fault, Assert.Single(invalid.Errors![Field]), StringComparison.Ordinal);
    }

    [Fact]
    public void It_is_named_beside_all_other_faults()
    {
        var invalid = Reading.Invalid("POST", """{"action":"setimage","createvmform":{"image":"a_dup_b","hostname":7,"size":-1}}""", key: "two words");
        Assert.Equal("Idempotency-Key createvmform.hostname createvmform.image createvmform.size", invalid.Fields());
    }

    [Fact]
    public void Given_twice_it_is_no_JSON() =>
        Assert.Equal(ErrorTable.InvalidJson, Reading.Invalid("POST", Body("\"size\":40,\"size\":40")).Kind);

    [Fact]
    public void The_audit_line_names_it() => Assert.Equal(
        ("setimage centos web01", "setimage centos web01 size 40"),
        (Reading.Command("POST", Body("\"size\":0")).ToString(), Reading.Command("POST", Body("\"size\":40")).ToString()));

    [Fact]
    public void Any_number_is_a_size_or_a_fault() => Prop.ForAll(ArbMap.Default.ArbFor<DoNotSize<long>>(), wide =>
    {
        var number = wide.Item;
        var body = Body(string.Create(CultureInfo.InvariantCulture, $"\"size\":{number}"));
        return number is >= 0 and <= 65536
            ? ((SetImage)Reading.Command("POST", body)).SizeGb == (number == 0 ? null : (int)number)
            : Reading.Invalid("POST", body).Fields() == Field;
    }).QuickCheckThrowOnFailure();

    private static string Body(string member) => $$$"""{"action":"setimage","createvmform":{"image":"centos","hostname":"web01",{{{member}}}}}""";
}
