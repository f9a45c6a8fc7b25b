using StorageHost.Api.Dispatch;
using Xunit;

namespace StorageHost.Tests.Api;

public sealed class CommandReaderTests
{
    private const string Govirt = """
        {"domain":"","action":"VERB","target":"","duplicateinfo":null,"xml":null,"netinfo":{"subnet":"","gateway":""},
        "storageinfo":{"hostname":"","size":0},"createvmform":{"hostname":"web01","mac":"","uuid":"","ip":"","cpucount":0,
        "memorycount":0,"image":"centos","xml":null,"leasetime":0,"vlan":""}}
        """;

    [Theory]
    [InlineData("""{"target":"images"}""", "")]
    [InlineData("""{"Target":"Images","action":"","xml":null}""", "")]
    [InlineData("", "?target=images")]
    [InlineData("{}", "?TARGET=IMAGES")]
    [InlineData("""{"target":"images"}""", "?target=IMAGES&other=1")]
    public void Images_is_read_from_body_and_query(string body, string query) =>
        Assert.Equal(new ListImages(), Reading.Command("GET", body, query));

    [Theory]
    [InlineData("setimage")]
    [InlineData("SetImage")]
    public void The_whole_struct_that_govirt_sends_is_read(string action) => Assert.Equal(
        new SetImage(Reading.Image("centos"), Reading.Host("web01")),
        Reading.Command("POST", Govirt.Replace("VERB", action, StringComparison.Ordinal)));

    [Theory]
    [InlineData("0f8fad5b-d9cb-469f-a165-70867728950e", "0f8fad5b-d9cb-469f-a165-70867728950e")]
    [InlineData("\"quoted\"", "quoted")]
    [InlineData("!~", "!~")]
    public void A_request_can_have_a_name_of_its_callers(string header, string key) => Assert.Equal(
        new SetImage(Reading.Image("centos"), Reading.Host("web01"), key),
        Reading.Command("POST", Govirt.Replace("VERB", "setimage", StringComparison.Ordinal), key: header));

    [Theory]
    [InlineData("")]
    [InlineData("\"\"")]
    [InlineData("two words")]
    [InlineData("a\nb")]
    [InlineData("schl\u00fcssel")]
    public void A_name_that_is_none_is_a_fault_beside_the_others(string header)
    {
        Assert.Equal("Idempotency-Key storageinfo.size", Reading.Invalid("POST", """{"action":"addstorage","storageinfo":{"hostname":"web01"}}""", key: header).Fields());
        Assert.Equal("Idempotency-Key", Reading.Invalid("POST", """{"action":"dup","duplicateinfo":{"a":1}}""", key: new string('k', 201)).Fields());
    }

    [Fact]
    public void Dup_sets_levels_by_exact_name()
    {
        var command = Assert.IsType<SetLevels>(Reading.Command("POST", """{"ACTION":"dup","DuplicateInfo":{"centos":3,"Centos":0,"target":10}}"""));
        Assert.Equal(
            [(Reading.Image("Centos"), 0), (Reading.Image("centos"), 3), (Reading.Image("target"), 10)],
            command.Levels.Select(level => (level.Key, level.Value)).OrderBy(level => level.Key.Text, StringComparer.Ordinal));
    }

    [Fact]
    public void Addstorage_is_read() => Assert.Equal(
        new AddStorage(Reading.Host("web01"), 5),
        Reading.Command("POST", """{"action":"addstorage","StorageInfo":{"HOSTNAME":"web01","Size":5,"size":null}}"""));

    [Theory]
    [InlineData("""{"action":"host","target":"Web01"}""", "", false)]
    [InlineData("""{"action":"HOST","target":"Web01","purge":null}""", "", false)]
    [InlineData("""{"action":"host","target":"Web01","Purge":true}""", "", true)]
    [InlineData("", "?action=Host&target=Web01&PURGE=True", true)]
    [InlineData("""{"action":"host","purge":true}""", "?action=HOST&target=Web01&purge=true", true)]
    public void Deleting_a_host_is_read_from_body_and_query(string body, string query, bool purge) =>
        Assert.Equal(new DeleteHost(Reading.Host("Web01"), purge), Reading.Command("DELETE", body, query));

    [Theory]
    [InlineData("""{"action":"disk","target":"web01_storage_5G"}""", "", "web01_storage_5G")]
    [InlineData("", "?ACTION=Disk&target=web01_storage_5G_2&purge=true", "web01_storage_5G_2")]
    public void Deleting_a_data_disk_is_read_and_told_to_the_audit(string body, string query, string disk)
    {
        var command = Assert.IsType<DeleteDisk>(Reading.Command("DELETE", body, query));
        Assert.Equal((Reading.Host("web01"), 5, $"delete disk {disk}"), (command.Disk.Hostname, command.Disk.SizeGb, command.ToString()));
    }

    [Theory]
    [InlineData("web01")]
    [InlineData("web01.qcow2")]
    [InlineData("web01_storage_5")]
    [InlineData("../web01_storage_5G")]
    [InlineData("web01_storage_5G/")]
    [InlineData("centos_template.img")]
    [InlineData("centos_dup_1_ready")]
    [InlineData(".storagehost.x.web01_storage_5G")]
    public void What_is_no_data_disk_is_none_to_delete(string target) => Assert.Equal(
        $"target must be a data disk's whole name, '<hostname>_storage_<size>G' or '<hostname>_storage_<size>G_<number>'; it is '{target}'",
        Reading.Invalid("DELETE", $$"""{"action":"disk","target":"{{target}}"}""").Message);

    [Fact]
    public void Deleting_an_image_ignores_purge() => Assert.Equal(
        new DeleteImage(Reading.Image("centos")), Reading.Command("DELETE", """{"action":"image","target":"centos","purge":7}"""));

    [Fact]
    public void Post_ignores_the_query()
    {
        var invalid = Reading.Invalid("POST", "{}", "?action=dup");
        Assert.Equal("action", invalid.Fields());
        Assert.Equal("action is required; known here: dup, setimage, addstorage", invalid.Message);
    }

    [Theory]
    [InlineData("GET", "{}", "target")]
    [InlineData("GET", """{"target":""}""", "target")]
    [InlineData("GET", """{"target":null}""", "target")]
    [InlineData("POST", """{"action":5}""", "action")]
    [InlineData("POST", """{"action":["dup"]}""", "action")]
    [InlineData("POST", """{"action":"\ud800"}""", "action")]
    [InlineData("POST", """{"action":"dup","Action":"setimage"}""", "action")]
    [InlineData("DELETE", """{"action":"host"}""", "target")]
    [InlineData("DELETE", """{"action":"host","target":7}""", "target")]
    [InlineData("DELETE", """{"action":"host","target":"web01","purge":"true"}""", "purge")]
    [InlineData("DELETE", """{"action":"host","target":"web01","purge":1,"Purge":null}""", "purge")]
    public void A_member_that_is_missing_or_of_the_wrong_kind_is_a_fault(string method, string body, string field)
    {
        var invalid = Reading.Invalid(method, body);
        Assert.Equal("invalid_payload", invalid.Kind.Code);
        Assert.Equal(field, invalid.Fields());
        Assert.Single(invalid.Errors![field]);
    }

    [Theory]
    [InlineData("GET", "", "?target=images&target=images", "target")]
    [InlineData("DELETE", "", "?action=host&target=a&Target=b", "target")]
    [InlineData("DELETE", """{"action":"host","target":"web01"}""", "?action=image", "action")]
    [InlineData("DELETE", """{"action":"host","target":"web01"}""", "?target=WEB01", "target")]
    [InlineData("DELETE", """{"action":"host","target":"web01"}""", "?target=", "target")]
    [InlineData("DELETE", """{"action":"host","target":"web01","purge":false}""", "?purge=true", "purge")]
    [InlineData("DELETE", """{"action":"host","target":"web01"}""", "?purge=yes", "purge")]
    [InlineData("DELETE", """{"action":"host","target":"web01"}""", "?purge", "purge")]
    public void A_query_that_repeats_or_contradicts_is_a_fault(string method, string body, string query, string field)
    {
        var invalid = Reading.Invalid(method, body, query);
        Assert.Equal("invalid_payload", invalid.Kind.Code);
        Assert.Equal(field, invalid.Fields());
    }

    [Theory]
    [InlineData("GET", """{"target":"hosts"}""", "unknown_target", "images")]
    [InlineData("POST", """{"action":"image"}""", "unknown_action", "dup, setimage, addstorage")]
    [InlineData("DELETE", """{"action":"dup"}""", "unknown_action", "host, disk, image")]
    public void An_unknown_verb_is_told_the_known_ones(string method, string body, string code, string known)
    {
        var invalid = Reading.Invalid(method, body);
        Assert.Equal(code, invalid.Kind.Code);
        Assert.EndsWith($"is unknown; known here: {known}", invalid.Message, StringComparison.Ordinal);
        Assert.Null(invalid.Errors);
    }

    [Fact]
    public void Every_fault_is_told_at_once_and_each_once()
    {
        var invalid = Reading.Invalid("POST", """{"action":"setimage","createvmform":{"image":"../../x","hostname":5}}""");
        Assert.Equal("createvmform.hostname createvmform.image", invalid.Fields());
        Assert.Equal("must be a string", Assert.Single(invalid.Errors!["createvmform.hostname"]));
        Assert.Contains("createvmform.image must be 1 to 100 characters", invalid.Message, StringComparison.Ordinal);
        Assert.Contains("'../../x'", invalid.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("setimage", "createvmform", "createvmform.hostname createvmform.image")]
    [InlineData("addstorage", "storageinfo", "storageinfo.hostname storageinfo.size")]
    public void A_form_that_is_missing_or_no_object_lacks_its_fields(string action, string form, string fields)
    {
        Assert.Equal(fields, Reading.Invalid("POST", $$"""{"action":"{{action}}"}""").Fields());
        Assert.Equal($"{form} {fields}", Reading.Invalid("POST", $$"""{"action":"{{action}}","{{form}}":"x"}""").Fields());
    }
}
