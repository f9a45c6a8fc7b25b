using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Contract;

/// <summary>What somebody could put there under a template's name to read files of this machine, or to stop the daemon.</summary>
[Collection(LabTests.Name)]
public sealed class HostileTemplateTests(Lab lab)
{
    private const string Parent = "qemu-img create -q -f qcow2 -u";
    private const string Child = $"{Parent} -F qcow2 -b evil2_template.img evil_template.img 1M";
    private const string Settled = "touch -d '1 hour ago' evil*_template.img";

    public static TheoryData<string> Templates { get; } =
    [
        "qemu-img create -q -f qcow2 -u -F raw -b /etc/passwd evil_template.img 1M",
        "qemu-img create -q -f qcow2 -u -F qcow2 -b centos_template.img.evil evil_template.img 1M",
        "qemu-img create -q -f qcow2 -o data_file=outside.raw evil_template.img 1M; rm outside.raw",
        "qemu-img create -q -f vmdk evil_template.img 1M",
        "qemu-img create -q -f vhdx evil_template.img 64M",
        "qemu-img create -q -f vpc evil_template.img 64M",
        "qemu-img create -q -f vdi evil_template.img 64M",
        "qemu-img create -q -f qcow evil_template.img 1M",
        // It measures the processor first, which now and then is too quick for it.
        "until qemu-img create -q --object secret,id=s,data=x -f qcow2 -o encrypt.format=luks,encrypt.key-secret=s evil_template.img 1M; do sleep 0.1; done",
        "cp centos_template.img evil_template.img; printf '\\177\\377\\377\\377' | dd of=evil_template.img bs=1 seek=24 conv=notrunc", // its virtual size
        "cp centos_template.img evil_template.img; printf '\\377\\377\\377\\377' | dd of=evil_template.img bs=1 seek=40 conv=notrunc", // where its L1 table is
        "cp centos_template.img evil_template.img; printf '\\377\\377\\377\\377' | dd of=evil_template.img bs=1 seek=60 conv=notrunc", // how many snapshots it has
        "cp centos_template.img evil_template.img; truncate -s 4000 evil_template.img",
        "truncate -s 2P evil_template.img",
        "truncate -s 0 evil_template.img",
        "printf 'QFI\\373\\0\\0\\0\\3' > evil_template.img",
        "printf 'QFI\\373\\0\\0\\0\\11' > evil_template.img; truncate -s 1M evil_template.img",
        "ln -s /etc/passwd evil_template.img",
        "ln -s centos_template.img evil_template.img",
        "mkfifo evil_template.img",
        "mknod evil_template.img c 1 5",
        "mknod evil_template.img b 7 0",
        "mkdir evil_template.img",

        // What it is backed by: the next template is as it must not be, is not there, or leads back.
        $"{Parent} -F raw -b /etc/passwd evil2_template.img 1M; {Child}",
        $"ln -s /etc/passwd evil2_template.img; {Child}",
        $"ln -s centos_template.img evil2_template.img; {Child}",
        $"mkfifo evil2_template.img; {Child}",
        $"mkdir evil2_template.img; {Child}",
        $"qemu-img create -q -f vmdk evil2_template.img 1M; {Child}",
        Child,
        $"{Parent} -F qcow2 -b evil_template.img itself 1M; mv itself evil_template.img",
        $"{Parent} -F qcow2 -b evil_template.img evil2_template.img 1M; {Child}",
        $"{Parent} -F qcow2 -b evil2_template.img itself 1M; mv itself evil2_template.img; {Child}",
        $"for i in 2 3 4 5 6 7 8; do {Parent} -F qcow2 -b evil$((i + 1))_template.img evil${{i}}_template.img 1M; done; "
            + $"cp centos_template.img evil9_template.img; {Child}",

        // Tables of whole templates name more than the file has.
        $"cp centos_template.img evil_template.img; truncate -s -128K evil_template.img; {Settled}",
        $"cp centos_template.img evil_template.img; truncate -s -1 evil_template.img; {Settled}",
        $"cp centos_template.img evil2_template.img; truncate -s -128K evil2_template.img; {Child}; {Settled}",
        $"cp centos_template.img evil_template.img; printf '\\177' | dd of=evil_template.img bs=1 seek=12289 conv=notrunc; {Settled}", // where an L2 table is
    ];

    [DaemonTheory, MemberData(nameof(Templates))]
    public async Task Nothing_is_made_of_a_hostile_template(string make)
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        await Shell.RunAsync("sh", "-c", $"cd {area.Seen()} && {make}");
        var daemon = await area.StartAsync("--Storage:RescanInterval", "00:00:01");
        var client = daemon.Client;
        using var programs = new ProgramCount("qemu-img", daemon);

        var refused = await client.SetImageAsync("evil", "web01");
        refused.Refuses(refused.Status is 404 ? 404 : 422, "image_rejected", "image_not_found");
        await client.DupAsync("evil", 2);
        await client.FillAsync("centos", 1);
        (await client.SetImageAsync("centos", "web02")).Is(200);
        area.Oracle.Disk("web02", "centos");
        await client.PoolHoldsAsync("centos", 1);
        Assert.DoesNotContain(await FoundFile.ListAsync(area.Seen()), file => file.ImageOfCopy is "evil");
        Assert.Equal(0, programs.Most);

        await Shell.RunAsync("sh", "-c", $"rm -rf {area.Seen()}/evil*_template.img");
        await area.Oracle.CheckAsync();
    }
}
