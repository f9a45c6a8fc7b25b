using System.Diagnostics;
using FluentValidation.Results;
using StorageHost.Api.Dispatch;
using StorageHost.Images.Disks;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;
using Xunit;

namespace StorageHost.Tests.Api;

public sealed class ValidatorTests
{
    private static string Long => new('x', 101);

    [Theory]
    [InlineData("centos", "web01", "")]
    [InlineData("CentOS-7.9_x", "0", "")]
    [InlineData(null, "", "createvmform.image is required; createvmform.hostname is required")]
    [InlineData("a_dup_1", "web01", "createvmform.image must contain neither '_dup_' nor '_template.img'; it is 'a_dup_1'")]
    [InlineData("centos.", "web01.", "createvmform.image must not end in '.': DNS takes a last dot for nothing, so two names would be one host; it is 'centos.'; "
        + "createvmform.hostname must not end in '.': DNS takes a last dot for nothing, so two names would be one host; it is 'web01.'")]
    [InlineData("centos", "web_storage_1", "createvmform.hostname must not contain '_storage_'; it is 'web_storage_1'")]
    [InlineData("centos", "web02.qcow2", "createvmform.hostname must be the host's name alone: the daemon adds '.qcow2' to name its disk; it is 'web02.qcow2'")]
    [InlineData("centos", "web02.QCOW2", "createvmform.hostname must be the host's name alone: the daemon adds '.qcow2' to name its disk; it is 'web02.QCOW2'")]
    [InlineData("centos", "qcow2", "")]
    public void Setimage(string? image, string? hostname, string faults) =>
        Same(faults, new SetImageValidator(new DisksOptions()).Validate(new SetImagePayload(Reading.Names.Image(image), Reading.Names.Host(hostname))));

    /// <summary>What is there already is deleted as ever.</summary>
    [Theory]
    [InlineData("addstorage", "storageinfo.hostname must not end in '.': DNS takes a last dot for nothing, so two names would be one host; it is 'a.'")]
    [InlineData("delete a host", "")]
    [InlineData("delete an image", "")]
    public void A_name_that_ends_in_a_dot(string what, string faults) => Same(faults, what switch
    {
        "addstorage" => new AddStorageValidator(new DisksOptions()).Validate(new AddStoragePayload(Reading.Names.Host("a."), 5)),
        "delete a host" => Host("a."),
        _ => Image("a."),
    });

    [Theory]
    [InlineData(0L, "")]
    [InlineData(1L, "duplicateinfo.a. must not end in '.': DNS takes a last dot for nothing, so two names would be one host; it is 'a.'")]
    public void A_level_of_an_image_that_ends_in_a_dot(long level, string faults) =>
        Same(faults, Dup([KeyValuePair.Create("a.", (long?)level)]));

    [Theory]
    [InlineData("-a")]
    [InlineData("../../x")]
    [InlineData("a/b")]
    [InlineData("a\n")]
    [InlineData("é")]
    [InlineData("{PropertyName}")]
    public void A_name_of_other_characters_is_refused_and_shown(string name)
    {
        var fault = Assert.Single(Host(name).Errors);
        Assert.EndsWith($"; it is '{name.Replace('\n', '?')}'", fault.ErrorMessage, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1L, "")]
    [InlineData(65536L, "")]
    [InlineData(null, "storageinfo.size is required")]
    [InlineData(0L, "storageinfo.size must be a whole number from 1 to 65536")]
    [InlineData(65537L, "storageinfo.size must be a whole number from 1 to 65536")]
    [InlineData(4294967297L, "storageinfo.size must be a whole number from 1 to 65536")]
    public void Addstorage(long? size, string faults) =>
        Same(faults, new AddStorageValidator(new DisksOptions()).Validate(new AddStoragePayload(Reading.Names.Host("web01"), size)));

    [Theory]
    [InlineData("0", "")]
    [InlineData("10", "")]
    [InlineData("-0", "")]
    [InlineData("11", "duplicateinfo.centos must be a whole number from 0 to 10")]
    [InlineData("-1", "duplicateinfo.centos must be a whole number from 0 to 10")]
    [InlineData("1.5", "duplicateinfo.centos must be a whole number from 0 to 10")]
    [InlineData("1e400", "duplicateinfo.centos must be a whole number from 0 to 10")]
    [InlineData("1e-400", "duplicateinfo.centos must be a whole number from 0 to 10")]
    [InlineData("-99999999999999999999", "duplicateinfo.centos must be a whole number from 0 to 10")]
    [InlineData("null", "duplicateinfo.centos must be a whole number from 0 to 10")]
    [InlineData("\"3\"", "duplicateinfo.centos must be a whole number from 0 to 10")]
    public void Dup_levels(string level, string faults)
    {
        var body = $$$"""{"action":"dup","duplicateinfo":{"centos":{{{level}}}}}""";
        if (faults.Length == 0)
        {
            Assert.IsType<SetLevels>(Reading.Command("POST", body));
        }
        else
        {
            Assert.Equal(faults, Reading.Invalid("POST", body).Message);
        }
    }

    [Theory]
    [InlineData("99999999999999999999", "must be a whole number from 1 to 65536")]
    [InlineData("5.0", "must be a whole number, in digits")]
    [InlineData("1e2", "must be a whole number, in digits")]
    [InlineData("\"5\"", "must be a whole number, in digits")]
    [InlineData("{}", "must be a whole number, in digits")]
    public void A_size_that_is_no_whole_number(string size, string fault) => Assert.Equal(
        fault,
        Assert.Single(Reading.Invalid("POST", $$$"""{"action":"addstorage","storageinfo":{"hostname":"web01","size":{{{size}}}}}""").Errors!["storageinfo.size"]));

    [Fact]
    public void Dup_faults_name_the_entry()
    {
        KeyValuePair<string, long?>[] levels = [new("ok", 1), new("a\u001bb", 99), new("", 1), new(Long, 1)];
        var faults = Dup(levels).Errors.Select(fault => fault.PropertyName);
        Assert.Equal($"duplicateinfo.a?b duplicateinfo.a?b duplicateinfo. duplicateinfo.{Long[..40]}...", string.Join(' ', faults));
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    [InlineData(100, true)]
    [InlineData(101, false)]
    public void Dup_takes_1_to_100_images(int entries, bool valid)
    {
        var levels = Enumerable.Range(0, entries).Select(n => KeyValuePair.Create($"image{n}", (long?)1)).ToList();
        var result = Dup(levels);
        Assert.Equal(valid, result.IsValid);
        Assert.All(result.Errors, fault => Assert.Equal("duplicateinfo", fault.PropertyName));
    }

    [Theory]
    [InlineData("a_dup_1", "", "target must contain neither '_dup_' nor '_template.img'; it is 'a_dup_1'")]
    [InlineData("a_storage_1", "target must not contain '_storage_'; it is 'a_storage_1'", "")]
    [InlineData(null, "target is required", "target is required")]
    public void A_deletion_checks_its_target_as_what_it_is(string? name, string asHost, string asImage)
    {
        Same(asHost, Host(name));
        Same(asImage, Image(name));
    }

    [Fact]
    public void What_is_no_name_has_no_value()
    {
        Assert.Equal("web01", Reading.Names.Host("web01").Value.Text);
        Assert.Throws<UnreachableException>(() => Reading.Names.Host("../web01").Value);
    }

    private static ValidationResult Dup(IReadOnlyList<KeyValuePair<string, long?>> levels) =>
        new DupValidator(new PoolOptions()).Validate(new DupPayload([.. levels.Select(level => (Reading.Names.Image(level.Key), level.Value))]));

    private static ValidationResult Host(string? name) =>
        new DeleteHostValidator().Validate(new DeleteHostPayload(Reading.Names.Host(name), Purge: null));

    private static ValidationResult Image(string? name) =>
        new DeleteValidator<ImageName>().Validate(new DeletePayload<ImageName>(Reading.Names.Image(name)));

    private static void Same(string faults, ValidationResult result) =>
        Assert.Equal(faults, string.Join("; ", result.Errors.Select(fault => $"{fault.PropertyName} {fault.ErrorMessage}")));
}
