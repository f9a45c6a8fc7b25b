using System.Collections.Concurrent;
using StorageHost.Images.Templates;
using StorageHost.Tests.Processes;
using Xunit;

namespace StorageHost.Tests.Qemu;

/// <summary>The inspector against the installed qemu-img on some hundred images over all that a header can say.</summary>
public sealed class MatrixTests : IDisposable
{
    private static readonly string[] ClusterSizes = ["512", "1K", "2K", "4K", "8K", "16K", "32K", "64K", "128K", "256K", "512K", "1M", "2M"];
    private static readonly string[] Sizes = ["0", "1000", "123456789", "10G"];
    private readonly Scratch scratch = new();

    public void Dispose() => scratch.Dispose();

    [Fact]
    public async Task Two_hundred_images_read_as_qemu_img_reads_them()
    {
        await RealQemuImg.RunAsync("create", "-q", "-f", "qcow2", scratch.File("qcow2_template.img"), "7G");
        await RealQemuImg.RunAsync("create", "-q", "-f", "raw", scratch.File("raw_template.img"), "7G");
        var recipes = Sound().Concat(Refused()).ToArray();
        Assert.InRange(recipes.Length, 200, 400);

        var disagreements = new ConcurrentQueue<string>();
        await Parallel.ForEachAsync(recipes.Index(), new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (recipe, _) =>
        {
            if (await CompareAsync(recipe.Item, scratch.File($"image{recipe.Index}")) is { } disagreement)
            {
                disagreements.Enqueue($"{recipe.Item}: {disagreement}");
            }
        });

        Assert.True(disagreements.IsEmpty, string.Join('\n', disagreements));
    }

    private static IEnumerable<Recipe> Sound() =>
    [
        .. from cluster in ClusterSizes from size in Sizes select Qcow2($"compat=0.10,cluster_size={cluster}", size),
        .. from cluster in ClusterSizes from size in Sizes.Append("100G") select Qcow2($"compat=1.1,cluster_size={cluster}", size),
        .. from cluster in ClusterSizes select Qcow2($"compat=1.1,lazy_refcounts=on,cluster_size={cluster}", "5G"),
        .. from cluster in ClusterSizes.Skip(5) from size in new[] { "0", "123456789", "500G" } select Qcow2($"compat=1.1,extended_l2=on,cluster_size={cluster}", size),
        .. from bits in new[] { 1, 2, 4, 8, 32, 64 } select Qcow2($"compat=1.1,refcount_bits={bits}", "3G"),
        .. from cluster in new[] { "512", "64K", "2M" }
           from compat in new[] { "0.10", "1.1" }
           from backing in new[] { "qcow2", "raw" }
           from isNamed in new[] { true, false }
           select Qcow2($"compat={compat},cluster_size={cluster}", "7G") with { Backing = backing, HidesBackingFormat = !isNamed },
        .. from size in new[] { "1", "511", "512", "1000", "1M", "123456789", "3T", "15T" } select new Recipe("raw", "", size),
    ];

    private static IEnumerable<Recipe> Refused() =>
    [
        new Recipe("raw", "", "0") with { HasFault = true },
        .. from cluster in new[] { "4K", "64K", "2M" } select Qcow2($"encrypt.format=aes,encrypt.key-secret=s,cluster_size={cluster}", "1G") with { HasFault = true },
        .. from options in new[] { "", ",data_file_raw=on" } from cluster in new[] { "64K", "2M" }
           select Qcow2($"data_file={{0}}.data{options},cluster_size={cluster}", "64M") with { HasFault = true },
        .. from length in new[] { 4, 71, 103, 500, 0x10000, 0x20004, 0x30000 } select Qcow2("compat=1.1", "1G") with { CutTo = length, HasFault = true },
    ];

    private static Recipe Qcow2(string options, string size) => new("qcow2", options, size);

    /// <summary>Makes the image, and says where the inspector and qemu-img differ; null when they do not.</summary>
    private static async Task<string?> CompareAsync(Recipe recipe, string path)
    {
        string[] backing = recipe.Backing is { } format ? ["-b", $"{format}_template.img", "-F", format] : [];
        string[] options = recipe.Options.Length > 0 ? ["-o", recipe.Options.Replace("{0}", path, StringComparison.Ordinal)] : [];
        await RealQemuImg.RunAsync(["create", "-q", "--object", "secret,id=s,data=password", "-f", recipe.Format, .. options, .. backing, path, recipe.Size]);
        await ChangeAsync(recipe, path);

        var info = await RealQemuImg.InfoAsync(recipe.Format, path);
        var header = RealQemuImg.Inspect(path);
        File.Delete(path);
        if (recipe.HasFault != header.Fault is not null)
        {
            return $"the fault is {header.Fault}";
        }

        if (info is not { } said)
        {
            return recipe.HasFault ? null : "qemu-img refuses it";
        }

        // Of one that is cut short qemu-img may still read the size, and so may we.
        var theirs = (recipe.Format, said.GetProperty("virtual-size").GetInt64(), said.TryGetProperty("backing-filename", out var name) ? name.GetString() : null);
        var ours = (header.Format == ImageFormat.Raw ? "raw" : "qcow2", header.VirtualBytes, header.BackingFile);
        return ours == theirs || recipe.CutTo is not null ? null : $"{ours}, and qemu-img says {theirs}";
    }

    private static async Task ChangeAsync(Recipe recipe, string path)
    {
        if (recipe.CutTo is { } length)
        {
            await using var file = File.OpenWrite(path);
            file.SetLength(length);
        }

        // qemu-img no longer makes images that leave the format of their backing file open, but old ones exist.
        if (recipe.HidesBackingFormat)
        {
            await using var file = File.Open(path, FileMode.Open);
            var head = new byte[512];
            await file.ReadExactlyAsync(head);
            file.Position = head.AsSpan().IndexOf<byte>([0xe2, 0x79, 0x2a, 0xca]);
            file.WriteByte(0);
        }
    }

    /// <summary>How an image is made, and what is done to it then.</summary>
    private sealed record Recipe(string Format, string Options, string Size)
    {
        public string? Backing { get; init; }

        public bool HidesBackingFormat { get; init; }

        public int? CutTo { get; init; }

        public bool HasFault { get; init; }
    }
}
