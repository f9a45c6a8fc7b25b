using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using StorageHost.BlockDevices;
using StorageHost.Files.Posix;
using StorageHost.ImageStorages;
using StorageHost.Processes;
using StorageHost.Tests.Processes;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.BlockDevices;

public sealed class LsblkTests : IDisposable
{
    private readonly Scratch scratch = new();
    private readonly ProcessRunner runner = Programs.Runner;

    [Fact]
    public async Task The_installed_lsblk_shows_this_machines_devices()
    {
        var (answer, words) = await new Lsblk(runner).ReadAsync(CancellationToken.None);
        Assert.NotEmpty(answer.Devices);
        Assert.Equal((0, ""), (answer.Unread, words));
        Assert.All(answer.Devices, device => Assert.Matches("^[0-9]+:[0-9]+$", device.Number));
    }

    [Theory]
    [InlineData("echo '{\"blockdevices\":[{\"kname\":\"sda\",\"path\":\"/dev/sda\",\"maj:min\":\"8:0\",\"type\":\"disk\",\"size\":\"12\"}]}'", null)]
    [InlineData("echo '{\"blockdevices\":[]}'", null)]
    [InlineData("echo '{\"blockdevices\":[]}'; exit 1", "lsblk failed with exit code 1")]
    [InlineData("printf 'lsblk: cannot open /sys: no\\n\\nlsblk: cannot open /sys: no\\nTry it\\n' >&2; exit 32", "lsblk failed with exit code 32: cannot open /sys: no; Try it")]
    [InlineData("echo \"lsblk: invalid option -- 'J'\" >&2; exit 1", "lsblk failed with exit code 1: invalid option -- 'J'")]
    [InlineData("echo 'lsblk: unknown column: MAJ:MIN,TYPE' >&2; exit 1", "lsblk failed with exit code 1: unknown column: MAJ:MIN,TYPE")]
    [InlineData("echo 'lsblk: unknown column: OTHER' >&2; exit 1", "lsblk failed with exit code 1: unknown column: OTHER")]
    [InlineData("echo not json", "lsblk's answer could not be read; it begins with: 'not json'")]
    [InlineData("true", "lsblk's answer could not be read; it begins with: nothing")]
    [InlineData("echo '{}'", "lsblk's answer could not be read; it begins with: '{}'")]
    [InlineData("echo '[1]'", "lsblk's answer could not be read; it begins with: '[1]'")]
    [InlineData("echo '{\"blockdevices\":[7]}'", "lsblk's answer could not be read; it begins with: '{\"blockdevices\":[7]}'")]
    [InlineData("yes '' | head -c 9000000", "lsblk's answer is longer than 8 MiB, or did not end")]
    public async Task What_it_answers_is_read_or_told_in_its_own_words(string script, string? problem)
    {
        var fault = await Record.ExceptionAsync(async () => await new Lsblk(runner, await ScriptAsync(script)).ReadAsync(CancellationToken.None));
        Assert.Equal(problem, fault is null ? null : Assert.IsType<FactsException>(fault).Message);
    }

    [Fact]
    public async Task A_column_that_this_version_lacks_is_left_out_and_asked_for_once()
    {
        // As 2.32 is on RHEL 8, and a second column that it does not know either. "asked" has a line for each run.
        var lsblk = new Lsblk(runner, await ScriptAsync($$"""
            echo "$*" >> {{scratch.File("asked")}}
            case "$*" in
            *PATH*) echo 'lsblk: unknown column: PATH,SIZE,VENDOR,MODEL,SERIAL,WWN,TRAN' >&2; exit 1;;
            *TRAN*) echo 'lsblk: unknown column: TRAN' >&2; exit 1;;
            *) cat {{CannedLsblk.File("2.31")}};;
            esac
            """));
        var (answer, _) = await lsblk.ReadAsync(CancellationToken.None);
        Assert.Equal(["sdc", "loop2"], answer.Devices.Select(device => device.Kname).ToArray());
        await lsblk.ReadAsync(CancellationToken.None);
        Assert.Equal(
            [
                "--json --bytes --output NAME,KNAME,MAJ:MIN,TYPE,PATH,SIZE,VENDOR,MODEL,SERIAL,WWN,TRAN",
                "--json --bytes --output NAME,KNAME,MAJ:MIN,TYPE,SIZE,VENDOR,MODEL,SERIAL,WWN,TRAN",
                "--json --bytes --output NAME,KNAME,MAJ:MIN,TYPE,SIZE,VENDOR,MODEL,SERIAL,WWN",
                "--json --bytes --output NAME,KNAME,MAJ:MIN,TYPE,SIZE,VENDOR,MODEL,SERIAL,WWN",
            ],
            await File.ReadAllLinesAsync(scratch.File("asked")));
    }

    [Fact]
    public async Task A_missing_lsblk_is_told()
    {
        var fault = await Assert.ThrowsAsync<FactsException>(() => new Lsblk(runner, "no-such-lsblk").ReadAsync(CancellationToken.None));
        Assert.Equal("lsblk is not installed", fault.Message);
    }

    [Fact]
    public async Task What_it_could_not_show_is_logged_in_its_own_words_once_for_each_change()
    {
        const string Whole = """echo '{"blockdevices":[{"kname":"sda","maj:min":"8:0","type":"disk"}]}'""";
        var program = await ScriptAsync($". {scratch.File("says")}");
        var log = new ListLog<DiskSurvey>();
        var disks = Polled(new Lsblk(runner, program), log);
        foreach (var says in (string[])
            [
                Whole,
                $"{Whole}; echo 'lsblk: dm-5: failed to get device path' >&2",
                """echo '{"blockdevices":[{"kname":"sda","maj:min":"8:0","type":"disk"},{"kname":"sdb"}]}'""",
                Whole,
                "echo 'lsblk: out of luck' >&2; exit 1",
                Whole,
            ])
        {
            await File.WriteAllTextAsync(scratch.File("says"), says);
            await disks.LookAsync(CancellationToken.None);
            await disks.LookAsync(CancellationToken.None);
            Assert.Single(disks.Latest.Value!);
        }

        Assert.Equal(
            [
                "Warning: lsblk does not show every device: it says: dm-5: failed to get device path",
                "Warning: lsblk does not show every device: 1 of its entries could not be read",
                "Information: lsblk shows every device again",
                "Warning: Nothing new is known of the disks: lsblk failed with exit code 1: out of luck",
                "Information: Readable again: the disks",
            ],
            log.Lines);
    }

    [Fact]
    public async Task The_poller_has_facts_soon_after_it_starts()
    {
        var disks = Polled(new Lsblk(runner), NullLogger<DiskSurvey>.Instance);
        using var poller = new FactPoller([disks]);
        Assert.Equal(Facts<IReadOnlyList<PhysicalDisk>>.None, disks.Latest);
        await poller.StartAsync(CancellationToken.None);
        for (var tries = 0; disks.Latest.TakenAt is null && tries < 1000; tries++)
        {
            await Task.Delay(10);
        }

        await poller.StopAsync(CancellationToken.None);
        Assert.Null(disks.Latest.Problem);
        Assert.All(disks.Latest.Value!, disk => Assert.NotEmpty(disk.DeviceNumbers));
    }

    [Fact]
    public void Links_and_loop_files_are_read_and_missing_directories_are_empty()
    {
        Directory.CreateDirectory(scratch.File("by-id"));
        File.CreateSymbolicLink(scratch.File("by-id/wwn-0x5"), "../../sda");
        File.CreateSymbolicLink(scratch.File("by-id/wwn-0x5-part1"), "../../sda1");
        File.CreateSymbolicLink(scratch.File("by-id/scsi-3600"), "../../cciss/c0d0");
        Directory.CreateDirectory(scratch.File("block/loop0/loop"));
        Directory.CreateDirectory(scratch.File("block/loop1"));
        File.WriteAllText(scratch.File("block/loop0/loop/backing_file"), "/var/a b.img\n");
        Assert.Equal(["wwn-0x5"], DeviceLinks.ById(scratch.File("by-id"))["sda"].ToArray());
        Assert.Equal(["scsi-3600"], DeviceLinks.ById(scratch.File("by-id"))["cciss/c0d0"].ToArray());
        Assert.Equal([KeyValuePair.Create("loop0", "/var/a b.img")], DeviceLinks.LoopFiles(scratch.File("block")));
        Assert.Empty(DeviceLinks.ById(scratch.File("none")));
        Assert.Empty(DeviceLinks.LoopFiles(scratch.File("none")));
    }

    [Fact]
    public void The_devices_of_a_file_system_are_read_from_the_kernel()
    {
        Directory.CreateDirectory(scratch.File("fs/btrfs/features"));
        Directory.CreateDirectory(scratch.File("fs/btrfs/0b0e/devices"));
        File.CreateSymbolicLink(scratch.File("fs/btrfs/0b0e/devices/sda2"), "../../../../devices/sda/sda2");
        File.CreateSymbolicLink(scratch.File("fs/btrfs/0b0e/devices/cciss!c0d0p1"), "../../../../devices/cciss!c0d0/cciss!c0d0p1");
        Directory.CreateDirectory(scratch.File("fs/bcachefs/7f3a/dev-0"));
        Directory.CreateDirectory(scratch.File("fs/bcachefs/7f3a/dev-1"));
        File.CreateSymbolicLink(scratch.File("fs/bcachefs/7f3a/dev-0/block"), "../../../../devices/block/sdc");
        File.CreateSymbolicLink(scratch.File("fs/bcachefs/7f3a/dev-1/block"), "../../../../devices/block/sdd/sdd1");
        Assert.Equal(
            ["cciss/c0d0p1 sda2", "sdc sdd1"],
            DeviceLinks.FileSystems(scratch.File("fs")).Where(names => names.Count > 0)
                .Select(names => string.Join(' ', names.Order(StringComparer.Ordinal))).Order(StringComparer.Ordinal).ToArray());
        Assert.Empty(DeviceLinks.FileSystems(scratch.File("none")));
    }

    private static PolledFacts<IReadOnlyList<PhysicalDisk>> Polled(Lsblk lsblk, ILogger<DiskSurvey> log) =>
        new(new DiskSurvey(lsblk, new MountTable(), log), new PollLog("the disks", log), TimeProvider.System);

    /// <summary>
    /// A program that does what the script says, written by a process of its own: a file that this process has open for writing cannot be
    /// executed by the children of other tests.
    /// </summary>
    private async Task<string> ScriptAsync(string script)
    {
        var program = scratch.File("lsblk");
        string[] write = ["-c", "printf '#!/bin/sh\n%s\n' \"$2\" > \"$1\"; chmod 500 \"$1\"", "sh", program, script];
        await runner.RunAsync(new ProcessCommand("sh", write), CancellationToken.None);
        return program;
    }

    public void Dispose() => scratch.Dispose();
}
