using StorageHost.IntegrationTests.Fixtures;
using StorageHost.IntegrationTests.ImageStorages;
using Xunit;

namespace StorageHost.IntegrationTests.Faults;

/// <summary>File systems on which nothing can be written any more.</summary>
[Collection(LabTests.Name)]
public sealed class ReadOnlyTests(Lab lab)
{
    private const string Words = "the file system is read-only (EROFS)";

    private static readonly string[] Settings = [.. StorageView.Quick, "--Storage:VolumeId", "ssd", "--Storage:RescanInterval", "00:00:01"];

    [DaemonFact]
    public async Task A_mount_that_is_read_only_is_broken_until_it_is_mounted_for_writing_again()
    {
        var below = await LoopDevice.MountXfsAsync(Lab.Directory, "ro-below", "420M", reflink: false);
        var mountPoint = Directory.CreateDirectory(Path.Combine(Lab.Directory, "ro")).FullName;
        await Shell.RunAsync("mount", "--bind", below, mountPoint);
        await using var area = await AreaAsync(mountPoint);
        var daemon = await area.StartAsync(Settings);

        // While the daemon has its lock open for writing the kernel refuses: only a mount that it does not hold can be made read-only.
        Assert.NotEqual(0, (await Shell.TryAsync("mount", "-o", "remount,ro,bind", mountPoint)).ExitCode);
        await Shell.RunAsync("umount", "-l", mountPoint);
        await Wait.UntilAsync("the daemon to let go", async () => await daemon.Client.StatusAsync("/readyz") == 503);
        await Shell.RunAsync("mount", "--bind", below, mountPoint);
        await Shell.RunAsync("mount", "-o", "remount,ro,bind", mountPoint);
        await IsBrokenAsync(daemon.Client);

        await Shell.RunAsync("mount", "-o", "remount,rw,bind", mountPoint);
        await daemon.ReadyAsync();
        await IsWellAsync(daemon.Client, area);
    }

    [DaemonFact]
    public async Task An_ext4_that_an_error_made_read_only_is_broken_though_nobody_writes()
    {
        var (file, device, mountPoint) = await LoopDevice.MountExt4Async(Lab.Directory, "ro-error", inodes: 256);
        await using var area = await AreaAsync(mountPoint);
        var daemon = await area.StartAsync(Settings);

        // Else the error would lose the template that was put there just now.
        await Shell.RunAsync("sync", "-f", mountPoint);
        await File.WriteAllTextAsync($"/sys/fs/ext4/{Path.GetFileName(device)}/trigger_fs_error", "a test");
        await IsBrokenAsync(daemon.Client);

        // Such a file system has to be checked, and nobody may hold it meanwhile.
        await daemon.KillAsync();
        await Shell.RunAsync("umount", mountPoint);
        Assert.InRange((await Shell.TryAsync("e2fsck", "-f", "-y", file)).ExitCode, 0, 1);
        await LoopDevice.MountAsync(file, mountPoint);
        await IsWellAsync((await area.StartAsync(Settings)).Client, area);
    }

    [DaemonFact]
    public async Task A_directory_that_the_user_may_not_write_to_is_broken_until_it_may()
    {
        const string Denied = "nothing can be written: permission denied on the directory for the user nobody (EACCES)";
        var mountPoint = await LoopDevice.MountXfsAsync(Lab.Directory, "ro-rights", "420M", reflink: false);
        await using var area = await AreaAsync(mountPoint);
        await Shell.RunAsync("chown", "-R", "nobody:", area.Seen());
        var daemon = area.Launch(["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "--bounding-set", "-all"], Settings);
        await daemon.ReadyAsync();
        (await daemon.Client.AddStorageAsync("web02", 1)).Is(200);
        area.Oracle.DataDisk("web02_storage_1G");

        await Shell.RunAsync("chmod", "555", area.Seen());
        await IsBrokenAsync(daemon.Client, Denied, "permission denied on ");

        await Shell.RunAsync("chmod", "755", area.Seen());
        await daemon.ReadyAsync();
        await IsWellAsync(daemon.Client, area);
    }

    [DaemonFact]
    public async Task A_Gluster_volume_that_is_set_read_only_is_broken_until_it_is_not()
    {
        await using var volume = await SickVolume.StartAsync(lab, "readonly", "--Storage:RescanInterval", "00:00:01");
        await volume.SetAsync("features.read-only", "on");
        await Wait.UntilAsync("a request to be refused", async () => (await volume.Client.AddStorageAsync("web01", 1)) is var answer
            && (answer.Status != 200 ? answer.Refuses(503, "storage_unavailable").Text("message").Contains(Words, StringComparison.Ordinal)
                : answer.Is(200) is var made && Expect(volume.Area, made.Text("disk"))));
        await volume.IsAsync("broken", Words);
        await IsNotReadyAsync(volume.Client);

        await volume.SetAsync("features.read-only", "off");
        await volume.IsWellAsync();
        await volume.Daemon.ReadyAsync();
        Expect(volume.Area, (await volume.Client.AddStorageAsync("web02", 1)).Is(200).Text("disk"));
        await volume.Area.Oracle.CheckAsync();
    }

    // Until the client has heard of the option, it writes.
    private static bool Expect(StorageArea area, string disk)
    {
        area.Oracle.DataDisk(disk);
        return false;
    }

    private async Task<StorageArea> AreaAsync(string mountPoint)
    {
        var area = StorageArea.Make(new Volume(mountPoint, [Place.Here]), Path.Combine(mountPoint, "images"), Path.GetFileName(mountPoint));
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        return area;
    }

    private static async Task IsBrokenAsync(Client client, string told = Words, string answered = Words)
    {
        await client.VolumeIsAsync(StorageView.Local, "ssd", "broken", [told]);
        await IsNotReadyAsync(client, told);
        var refused = (await client.AddStorageAsync("web01", 1)).Refuses(503, "storage_unavailable");
        Assert.Contains(answered, refused.Text("message"), StringComparison.Ordinal);
        (await client.GetAsync("/healthz")).Is(200);
    }

    private static Task IsNotReadyAsync(Client client, string told = Words) => Wait.UntilAsync("readiness to tell", async () =>
        await client.GetAsync("/readyz") is { Status: 503 } answer && answer.Text.Contains(told, StringComparison.Ordinal));

    private static async Task IsWellAsync(Client client, StorageArea area)
    {
        await client.VolumeIsWellAsync(StorageView.Local, "ssd");
        (await client.SetImageAsync("centos", "web01")).Is(200);
        area.Oracle.Disk("web01", "centos");
        await area.Oracle.CheckAsync();
    }
}
