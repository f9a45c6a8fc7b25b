using StorageHost.Images.Names;
using Xunit;

namespace StorageHost.Tests.Images;

public sealed class FileNamesTests
{
    private readonly FileNames names = new("_template.img");

    [Theory]
    [InlineData("centos")]
    [InlineData("7")]
    [InlineData("Debian-12.5_x64")]
    [InlineData("a..b")]
    [InlineData("a_dup")]
    [InlineData("a_dup_")]
    [InlineData("web.qcow2")]
    [InlineData("a_storage_5G")]
    [InlineData("a_template")]
    [InlineData("0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789")]
    public void An_image_may_be_called(string text) =>
        Assert.Equal((text != "a_dup_", text != "a_dup_" ? text : null), (names.ParseImage(text, out var image) is null, image.Text));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData(".hidden")]
    [InlineData("-rf")]
    [InlineData("_x")]
    [InlineData("../../x")]
    [InlineData("a/b")]
    [InlineData("a\\b")]
    [InlineData("a b")]
    [InlineData("a*")]
    [InlineData("a?")]
    [InlineData("[ab]")]
    [InlineData("{a,b}")]
    [InlineData("a\n")]
    [InlineData("a\0")]
    [InlineData("a\0.qcow2")]
    [InlineData("%2e%2e")]
    [InlineData("~root")]
    [InlineData("$HOME")]
    [InlineData("сentos")]
    [InlineData("cent\u200bos")]
    [InlineData("a／b")]
    [InlineData("a․․b")]
    [InlineData("１")]
    [InlineData("01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890")]
    public void Neither_an_image_nor_a_host_may_be_called(string? text)
    {
        Assert.NotNull(names.ParseImage(text, out var image));
        Assert.NotNull(names.ParseHostname(text, out var hostname));
        Assert.Equal((null, null), (image.Text, hostname.Text));
    }

    [Theory]
    [InlineData("a_dup_1_ready")]
    [InlineData("a_dup_1")]
    [InlineData("a_dup_b")]
    [InlineData("a_template.img")]
    [InlineData("a_template.img.old")]
    public void An_image_that_could_be_taken_for_another_file_is_refused_with_the_reason(string text)
    {
        var rule = names.ParseImage(text, out _);
        Assert.Equal("must contain neither '_dup_' nor '_template.img'", rule);
        Assert.Null(names.ParseHostname(text, out _));
    }

    [Theory]
    [InlineData("web01_storage_5G")]
    [InlineData("web01_storage_5G_1")]
    [InlineData("a_storage_b")]
    public void A_host_that_could_be_taken_for_a_data_disk_is_refused_with_the_reason(string text)
    {
        Assert.Equal("must not contain '_storage_'", names.ParseHostname(text, out _));
        Assert.Null(names.ParseImage(text, out _));
    }

    [Theory]
    [InlineData("centos_template.img", "TemplateEntry centos")]
    [InlineData("centos_dup_12_ready", "CopyEntry centos 12")]
    [InlineData("centos_dup_3copying", "LeftoverEntry centos")]
    [InlineData("web01.qcow2", "SystemDiskEntry web01")]
    [InlineData("web.qcow2.qcow2", "SystemDiskEntry web.qcow2")]
    [InlineData("web01_storage_5G", "DataDiskEntry web01 5")]
    [InlineData("web01_storage_65536G_999", "DataDiskEntry web01 65536")]
    [InlineData("a_dup_1_ready_template.img", null)]
    [InlineData("a_dup_b_dup_1_ready", null)]
    [InlineData("centos_dup_0_ready", null)]
    [InlineData("centos_dup_01_ready", null)]
    [InlineData("centos_dup_9999999999_ready", null)]
    [InlineData("centos_dup_1_ready\n", null)]
    [InlineData("centos_dup_1_readyx", null)]
    [InlineData("centos_dup_1_copying", null)]
    [InlineData("_template.img", null)]
    [InlineData("centos_TEMPLATE.IMG", null)]
    [InlineData(".qcow2", null)]
    [InlineData("web01.QCOW2", null)]
    [InlineData("web01_storage_0G", null)]
    [InlineData("web01_storage_5G_0", null)]
    [InlineData("web01_storage_5G_01", null)]
    [InlineData("a_storage_1G_storage_5G", null)]
    [InlineData("web01_storage_5G.qcow2", null)]
    [InlineData("web01", null)]
    [InlineData(".storagehost", null)]
    [InlineData("lost+found", null)]
    public void A_file_is_what_its_name_says(string file, string? expected) => Assert.Equal(expected, names.Classify(file) switch
    {
        TemplateEntry template => $"TemplateEntry {template.Image}",
        CopyEntry copy => $"CopyEntry {copy.Image} {copy.Number}",
        LeftoverEntry leftover => $"LeftoverEntry {leftover.Image}",
        SystemDiskEntry disk => $"SystemDiskEntry {disk.Hostname}",
        DataDiskEntry data => $"DataDiskEntry {data.Hostname} {data.SizeGb}",
        _ => null,
    });

    [Fact]
    public void Files_are_named_as_the_contract_says()
    {
        Assert.Null(names.ParseImage("centos", out var image));
        Assert.Null(names.ParseHostname("web01", out var hostname));
        Assert.Equal("centos_template.img", names.Template(image).Text);
        Assert.Equal("centos_dup_7_ready", names.Copy(image, 7).Text);
        Assert.Equal("web01.qcow2", names.SystemDisk(hostname).Text);
        Assert.Equal("web01_storage_5G", names.DataDisk(hostname, 5, 0).Text);
        Assert.Equal("web01_storage_5G_2", names.DataDisk(hostname, 5, 2).Text);
    }

    [Theory]
    [InlineData("_template.img", true)]
    [InlineData(".img", true)]
    [InlineData("-master", true)]
    [InlineData("", false)]
    [InlineData("_", false)]
    [InlineData("img", false)]
    [InlineData("/x", false)]
    [InlineData("_a/b", false)]
    [InlineData("_a\n", false)]
    [InlineData(".qcow2", false)]
    [InlineData("_x.qcow2", false)]
    [InlineData("_ready", false)]
    [InlineData("_1_ready", false)]
    [InlineData("_dup_1_ready", false)]
    [InlineData("_x_dup_1_ready", false)]
    [InlineData("_1copying", false)]
    [InlineData("_dup_1copying", false)]
    [InlineData("_5G", false)]
    [InlineData("_5G_1", false)]
    [InlineData("_1", false)]
    [InlineData("_storage_5G", false)]
    [InlineData("_x_storage_5G_1", false)]
    public void A_template_suffix_must_not_make_templates_of_other_files(string suffix, bool expected) =>
        Assert.Equal(expected, FileNames.IsTemplateSuffix(suffix));
}
