using System.Text;
using StorageHost.Images.Templates;
using StorageHost.Qemu;
using Xunit;

namespace StorageHost.Tests.Qemu;

public sealed class RawImageTests
{
    [Theory]
    [InlineData(512, 512)]
    [InlineData(1, 512)]
    [InlineData(1000, 1024)]
    [InlineData(1L << 50, 1L << 50)]
    public void Takes_what_bears_no_mark_for_raw(long length, long virtualBytes)
    {
        var header = new ImageInspector().Inspect(new BytesSource(new byte[Math.Min(length, 8192)], length));

        Assert.Equal(new ImageHeader(ImageFormat.Raw, virtualBytes, null, null), header);
    }

    [Fact]
    public void Refuses_an_empty_and_an_absurdly_large_file()
    {
        Assert.Equal("the file is empty", Inspect([]).Fault);
        Assert.Equal("the image is larger than 1 PiB", new ImageInspector().Inspect(new BytesSource(new byte[512], (1L << 50) + 1)).Fault);
        Assert.Equal(0, new ImageInspector().Inspect(new BytesSource(new byte[512], long.MaxValue)).VirtualBytes);
    }

    [Theory]
    [InlineData("VMDK", 0, "4b444d56")]
    [InlineData("VMDK", 0, "434f5744")]
    [InlineData("VHDX", 0, "7668647866696c65")]
    [InlineData("VHD", 0, "636f6e6563746978")]
    [InlineData("VHD", 8192 - 512, "636f6e6563746978")]
    [InlineData("VHD", 8192 - 511, "636f6e6563746978")]
    [InlineData("DMG", 8192 - 512, "6b6f6c79")]
    [InlineData("QED", 0, "51454400")]
    [InlineData("VDI", 0x40, "7f10dabe")]
    [InlineData("LUKS", 0, "4c554b53babe0001")]
    [InlineData("Parallels", 0, "576974686f75744672656553706163650200")]
    [InlineData("Parallels", 0, "576974686f7546726553706163457874")]
    [InlineData("Bochs", 0, "426f636873205669727475616c20484420496d616765")]
    public void Knows_other_formats_by_their_marks(string format, int offset, string mark)
    {
        var image = new byte[8192];
        Convert.FromHexString(mark).CopyTo(image, offset);

        Assert.Equal($"the image is in the {format} format; only qcow2 and raw are served", Inspect(image).Fault);
        image[offset] ^= 0x20;
        Assert.Null(Inspect(image).Fault);
    }

    [Theory]
    [InlineData("VMDK", "# Disk DescriptorFile\nversion=1\nRW 1 FLAT \"/etc/passwd\" 0\n")]
    [InlineData("VMDK", "# Disk DescriptorFile")]
    [InlineData("VMDK", "version=1\n")]
    [InlineData("VMDK", "# anything\r\n\r\n \t\n#\n  version=3\r\n")]
    [InlineData("cloop", "#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0 && mount -r -t iso9660 /dev/cloop $1\n")]
    [InlineData(null, "#!/bin/sh\nversion 1\n")]
    [InlineData(null, "x\nversion=1\n")]
    [InlineData(null, "# only\n# comments\n")]
    public void Knows_the_formats_that_are_text(string? format, string text)
    {
        Assert.Equal(
            format is null ? null : $"the image is in the {format} format; only qcow2 and raw are served",
            Inspect(Encoding.ASCII.GetBytes(text)).Fault);
    }

    [Fact]
    public void Does_not_look_for_trailers_in_qcow2_where_the_guest_writes()
    {
        var image = new byte[Qcow2Bytes.Length + 512];
        Qcow2Bytes.Version3().CopyTo(image, 0);
        "conectix"u8.CopyTo(image.AsSpan(Qcow2Bytes.Length));

        Assert.Null(Inspect(image).Fault);
    }

    private static ImageHeader Inspect(byte[] image) => new ImageInspector().Inspect(new BytesSource(image));
}
