using StorageHost.Images.Templates;
using StorageHost.Tests.Processes;

namespace StorageHost.Tests.Qemu.Foreign;

/// <summary>Images of every format that is converted, as qemu-img makes them: 5 MB for the guest, some of it holes.</summary>
internal static class Samples
{
    public static readonly string[] Kinds = ["vmdk", "vmdk stream", "vhd", "vhd fixed", "vhdx", "vdi", "vdi static"];

    private static readonly Dictionary<string, Lazy<Task<byte[]>>> Made = Kinds.ToDictionary(kind => kind, kind => new Lazy<Task<byte[]>>(() => MakeAsync(kind)), StringComparer.Ordinal);

    public static Task<byte[]> GetAsync(string kind) => Made[kind].Value;

    /// <summary>The format and options of qemu-img.</summary>
    public static string[] Options(string kind) => kind switch
    {
        "vmdk" => ["vmdk"],
        "vmdk stream" => ["vmdk", "-o", "subformat=streamOptimized"],
        "vhd" => ["vpc"],
        "vhd fixed" => ["vpc", "-o", "subformat=fixed"],
        "vhdx" => ["vhdx", "-o", "block_size=1M,log_size=1M"],
        "vdi" => ["vdi"],
        _ => ["vdi", "-o", "static=on"],
    };

    public static SourceFormat FormatOf(string kind) => kind.Split(' ')[0] switch
    {
        "vmdk" => SourceFormat.Vmdk,
        "vhd" => SourceFormat.Vhd,
        "vhdx" => SourceFormat.Vhdx,
        _ => SourceFormat.Vdi,
    };

    public static byte[] Raw()
    {
        var raw = new byte[5 << 20];
        var random = new Random(5);
        random.NextBytes(raw.AsSpan(0, 100_000));
        random.NextBytes(raw.AsSpan(3 << 20, 700_000));
        random.NextBytes(raw.AsSpan(^5000));
        return raw;
    }

    private static async Task<byte[]> MakeAsync(string kind)
    {
        using var scratch = new Scratch();
        await File.WriteAllBytesAsync(scratch.File("raw"), Raw());
        await RealQemuImg.RunAsync(["convert", "-f", "raw", "-O", .. Options(kind), scratch.File("raw"), scratch.File("image")]);
        return await File.ReadAllBytesAsync(scratch.File("image"));
    }
}
