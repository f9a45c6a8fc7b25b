using Xunit;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>The checks of all other tests are only worth what the oracle sees.</summary>
[Collection(LabTests.Name)]
public sealed class OracleTests(Lab lab)
{
    public static TheoryData<string> Harms { get; } =
    [
        "truncate -s -1 web01.qcow2", "printf x | dd of=web01.qcow2 bs=1 seek=5000 conv=notrunc", "rm web01.qcow2", "ln web01.qcow2 web02.qcow2",
        "cp centos_template.img web02.qcow2", "rm centos_template.img", "mkdir -p .storagehost/dead; touch .storagehost/dead/lock",
        "mkdir .storagehost; touch .storagehost/new", "ln -s web01.qcow2 web03.qcow2", "cp centos_template.img other_dup_1_ready",
        "head -c 5000 centos_template.img > centos_dup_1_ready", "rm web01.qcow2; ln centos_dup_9_ready web01.qcow2",
    ];

    [DaemonTheory, MemberData(nameof(Harms))]
    public async Task The_oracle_sees_harm(string harm)
    {
        await using var area = await PreparedAsync(StorageKind.Xfs);
        await Shell.RunAsync("sh", "-c", $"cd {area.Seen()} && {harm}");
        await Assert.ThrowsAnyAsync<Xunit.Sdk.XunitException>(() => area.Oracle.CheckAsync(seconds: 0));
    }

    [DaemonTheory, EveryStorage]
    public async Task The_oracle_agrees_with_a_sound_directory(StorageKind kind)
    {
        await using var area = await PreparedAsync(kind);
        for (var place = 0; place < area.Places.Count; place++)
        {
            await area.Oracle.CheckAsync(place);
        }
    }

    private async Task<StorageArea> PreparedAsync(StorageKind kind)
    {
        var area = await lab.AreaAsync(kind);
        var master = await lab.Masters.SmallAsync();
        await area.PutTemplateAsync("centos", master);
        File.Copy(master, area.Seen("web01.qcow2"));
        File.Copy(master, area.Seen("centos_dup_9_ready"));
        area.Oracle.Disk("web01", "centos");
        return area;
    }
}
