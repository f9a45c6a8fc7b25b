using StorageHost.Images.Templates;
using StorageHost.Tests.Processes;
using Xunit;

namespace StorageHost.Tests.Qemu;

/// <summary>The inspector against the installed qemu-img on images that this makes.</summary>
public sealed class AgreesWithQemuImgTests : IDisposable
{
    private readonly Scratch _scratch = new();
    private readonly string _image;

    public AgreesWithQemuImgTests() => _image = _scratch.File("image");

    public void Dispose() => _scratch.Dispose();

    [Theory]
    [InlineData("compat=0.10,cluster_size=512", "1G")]
    [InlineData("compat=0.10", "1000")]
    [InlineData("compat=0.10,cluster_size=2M", "10G")]
    [InlineData("compat=1.1,cluster_size=512", "1G")]
    [InlineData("compat=1.1,cluster_size=1K", "1M")]
    [InlineData("compat=1.1,cluster_size=4K", "100G")]
    [InlineData("compat=1.1", "0")]
    [InlineData("compat=1.1", "1")]
    [InlineData("compat=1.1", "123456789")]
    [InlineData("compat=1.1", "1000T")]
    [InlineData("compat=1.1,cluster_size=2M", "1024T")]
    [InlineData("compat=1.1,lazy_refcounts=on", "5G")]
    [InlineData("compat=1.1,refcount_bits=1", "5G")]
    [InlineData("compat=1.1,refcount_bits=64,cluster_size=512", "64M")]
    [InlineData("compat=1.1,extended_l2=on,cluster_size=16K", "10G")]
    [InlineData("compat=1.1,extended_l2=on,cluster_size=2M", "500G")]
    [InlineData("compat=1.1,compression_type=zstd", "5G")]
    [InlineData("compat=1.1,preallocation=metadata", "64M")]
    public async Task Sound_qcow2_images_pass_with_their_size(string options, string size)
    {
        await RealQemuImg.RunAsync("create", "-q", "-f", "qcow2", "-o", options, _image, size);

        await AssertAgreesAsync("qcow2");
    }

    [Fact]
    public async Task Snapshots_bitmaps_and_resizing_change_nothing()
    {
        await RealQemuImg.RunAsync("create", "-q", "-f", "qcow2", _image, "64M");
        await RealQemuImg.RunAsync("snapshot", "-c", "before", _image);
        await RealQemuImg.RunAsync("snapshot", "-c", "after", _image);
        await RealQemuImg.RunAsync("bitmap", "--add", _image, "changes");
        await AssertAgreesAsync("qcow2");

        await RealQemuImg.RunAsync("snapshot", "-d", "before", _image);
        await RealQemuImg.RunAsync("resize", "-q", _image, "300G");
        await AssertAgreesAsync("qcow2");

        await RealQemuImg.RunAsync("bitmap", "--remove", _image, "changes");
        await RealQemuImg.RunAsync("snapshot", "-d", "after", _image);
        await RealQemuImg.RunAsync("resize", "-q", "--shrink", _image, "1G");
        await AssertAgreesAsync("qcow2");
    }

    [Theory]
    [InlineData("0.10", "qcow2")]
    [InlineData("0.10", null)]
    [InlineData("1.1", "qcow2")]
    [InlineData("1.1", "raw")]
    [InlineData("1.1", null)]
    public async Task Linked_clones_name_their_template(string compat, string? format)
    {
        const string Template = "centos_template.img";
        var given = format ?? "qcow2";
        await RealQemuImg.RunAsync("create", "-q", "-f", given, _scratch.File(Template), "1G");
        await RealQemuImg.RunAsync("create", "-q", "-f", "qcow2", "-o", $"compat={compat}", "-b", Template, "-F", given, _image);
        if (format is null)
        {
            // qemu-img no longer makes such images, but old ones exist: hide the format behind an unknown extension type.
            var bytes = await File.ReadAllBytesAsync(_image);
            bytes[bytes.AsSpan().IndexOf<byte>([0xe2, 0x79, 0x2a, 0xca])] = 0;
            await File.WriteAllBytesAsync(_image, bytes);
        }

        await AssertAgreesAsync("qcow2");
        Assert.Equal(Template, RealQemuImg.Inspect(_image).BackingFile);
    }

    // Not LUKS: making its keys fails now and then on a busy machine. Its mark in the header is tested by hand.
    [Theory]
    [InlineData("the qcow2 image is encrypted", "encrypt.format=aes,encrypt.key-secret=s")]
    [InlineData("the qcow2 image keeps its data in an external file", "data_file={0}")]
    [InlineData("the qcow2 image keeps its data in an external file", "data_file={0},data_file_raw=on")]
    public async Task Hostile_qcow2_images_have_a_fault_and_their_size(string fault, string options)
    {
        options = options.Replace("{0}", _scratch.File("data"), StringComparison.Ordinal);
        await RealQemuImg.RunAsync("create", "-q", "--object", "secret,id=s,data=password", "-f", "qcow2", "-o", options, _image, "64M");

        Assert.Equal(new ImageHeader(ImageFormat.Qcow2, 64 << 20, null, fault), RealQemuImg.Inspect(_image));
    }

    [Theory]
    [InlineData("qcow", "the image is of qcow version 1; only 2 and 3 are served")]
    [InlineData("qed", "QED")]
    [InlineData("vdi", "VDI")]
    [InlineData("vhdx", "VHDX")]
    [InlineData("vmdk", "VMDK")]
    [InlineData("vmdk", "VMDK", "subformat=monolithicFlat")]
    [InlineData("vpc", "VHD")]
    [InlineData("vpc", "VHD", "subformat=fixed")]
    [InlineData("parallels", "Parallels")]
    public async Task Other_formats_have_a_fault(string format, string fault, string? options = null)
    {
        await RealQemuImg.RunAsync(["create", "-q", "-f", format, .. options is null ? [] : new[] { "-o", options }, _image, "64M"]);

        Assert.Contains(fault, RealQemuImg.Inspect(_image).Fault, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1")]
    [InlineData("1000")]
    [InlineData("1M")]
    [InlineData("3T")]
    public async Task Raw_images_pass_with_their_size(string size)
    {
        await RealQemuImg.RunAsync("create", "-q", "-f", "raw", _image, size);

        await AssertAgreesAsync("raw");
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(1024)]
    [InlineData(1)]
    public async Task Raw_files_of_odd_lengths_agree(int length)
    {
        await File.WriteAllBytesAsync(_image, new byte[length]);

        await AssertAgreesAsync("raw");
    }

    [Theory]
    [InlineData(0x10000)]
    [InlineData(0x18000)]
    [InlineData(0x30000)]
    [InlineData(0x30008)]
    public async Task Images_cut_short_before_their_L1_table_ends_have_a_fault(int length)
    {
        await RealQemuImg.RunAsync("create", "-q", "-f", "qcow2", _image, "1G");
        await using (var file = File.OpenWrite(_image))
        {
            file.SetLength(length);
        }

        Assert.Contains("cut short", RealQemuImg.Inspect(_image).Fault, StringComparison.Ordinal);
    }

    /// <summary>Whatever breaks an image for qemu-img must be a fault to us; the other way round we may be stricter.</summary>
    [Theory]
    [InlineData(4, 1)]
    [InlineData(20, 4)]
    [InlineData(32, 4)]
    [InlineData(36, 4)]
    [InlineData(40, 8)]
    [InlineData(48, 8)]
    [InlineData(56, 4)]
    [InlineData(60, 4)]
    [InlineData(72, 8)]
    [InlineData(96, 4)]
    [InlineData(100, 4)]
    public async Task What_qemu_img_refuses_has_a_fault(int offset, int width)
    {
        await RealQemuImg.RunAsync("create", "-q", "-f", "qcow2", "-o", "cluster_size=4K", _image, "4M");
        var sound = await File.ReadAllBytesAsync(_image);
        var refused = 0;
        foreach (var value in new long[] { 1, 0xff, 0x12345, 0x7fffffffffffffff })
        {
            await File.WriteAllBytesAsync(_image, Qcow2Bytes.Pokes([.. sound], offset, width, value));
            if (await RealQemuImg.InfoAsync("qcow2", _image) is null)
            {
                refused++;
                Assert.NotNull(RealQemuImg.Inspect(_image).Fault);
            }
        }

        Assert.NotEqual(0, refused);
    }

    private async Task AssertAgreesAsync(string format)
    {
        var info = Assert.NotNull(await RealQemuImg.InfoAsync(format, _image));
        var backing = info.TryGetProperty("backing-filename", out var name) ? name.GetString() : null;

        var header = RealQemuImg.Inspect(_image);

        Assert.Equal(
            (format, info.GetProperty("virtual-size").GetInt64(), backing, (string?)null),
            (header.Format == ImageFormat.Raw ? "raw" : "qcow2", header.VirtualBytes, header.BackingFile, header.Fault));
    }
}
