using Microsoft.Extensions.Logging.Abstractions;
using StorageHost.BlockDevices;
using StorageHost.Files;
using StorageHost.ImageStorages;
using StorageHost.Processes;
using StorageHost.Tests.Processes;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.BlockDevices;

public sealed class LsblkTests : IDisposable
{
    private readonly Scratch scratch = new();
    private readonly ProcessRunner runner = new(TestMeters.OfProcesses(), TimeProvider.System, NullLogger<ProcessRunner>.Instance);

    [Fact]
    public async Task The_installed_lsblk_shows_this_machines_devices()
    {
        var devices = await new Lsblk(runner).ReadAsync(CancellationToken.None);
        Assert.NotEmpty(devices);
        Assert.All(devices, device => Assert.Matches("^[0-9]+:[0-9]+$", device.Number));
    }

    [Theory]
    [InlineData("echo '{\"blockdevices\":[{\"kname\":\"sda\",\"path\":\"/dev/sda\",\"maj:min\":\"8:0\",\"type\":\"disk\",\"size\":\"12\"}]}'", null)]
    [InlineData("echo '{\"blockdevices\":[]}'", null)]
    [InlineData("echo '{\"blockdevices\":[]}'; exit 1", "lsblk failed with exit code 1")]
    [InlineData("echo not json", "lsblk's answer could not be read")]
    [InlineData("echo '{}'", "lsblk's answer could not be read")]
    [InlineData("echo '{\"blockdevices\":[{\"kname\":null,\"path\":null,\"maj:min\":\"8:0\",\"type\":\"disk\"}]}'", "lsblk's answer could not be read")]
    public async Task What_it_answers_is_read_or_told(string script, string? problem)
    {
        var program = scratch.File("lsblk");

        // Written by a process of its own: a file that this process has open for writing cannot be executed by the children of other tests.
        string[] write = ["-c", "printf '#!/bin/sh\\n%s\\n' \"$2\" > \"$1\"; chmod 500 \"$1\"", "sh", program, script];
        await runner.RunAsync(new ProcessCommand("sh", write), CancellationToken.None);
        var fault = await Record.ExceptionAsync(() => new Lsblk(runner, program).ReadAsync(CancellationToken.None));
        Assert.Equal(problem, fault is null ? null : Assert.IsType<FactsException>(fault).Message);
    }

    [Fact]
    public async Task A_missing_lsblk_is_told()
    {
        var fault = await Assert.ThrowsAsync<FactsException>(() => new Lsblk(runner, "no-such-lsblk").ReadAsync(CancellationToken.None));
        Assert.Equal("lsblk is not installed", fault.Message);
    }

    [Fact]
    public async Task The_poller_has_facts_soon_after_it_starts()
    {
        using var poller = new DiskPoller(new Lsblk(runner), new MountTable(), TimeProvider.System, NullLogger<DiskPoller>.Instance);
        Assert.Equal(Facts<IReadOnlyList<PhysicalDisk>>.None, poller.Latest);
        await poller.StartAsync(CancellationToken.None);
        for (var tries = 0; poller.Latest.TakenAt is null && tries < 1000; tries++)
        {
            await Task.Delay(10);
        }

        await poller.StopAsync(CancellationToken.None);
        Assert.Null(poller.Latest.Problem);
        Assert.All(poller.Latest.Value!, disk => Assert.NotEmpty(disk.DeviceNumbers));
    }

    [Fact]
    public void Links_and_loop_files_are_read_and_missing_directories_are_empty()
    {
        Directory.CreateDirectory(scratch.File("by-id"));
        File.CreateSymbolicLink(scratch.File("by-id/wwn-0x5"), "../../sda");
        File.CreateSymbolicLink(scratch.File("by-id/wwn-0x5-part1"), "../../sda1");
        Directory.CreateDirectory(scratch.File("block/loop0/loop"));
        Directory.CreateDirectory(scratch.File("block/loop1"));
        File.WriteAllText(scratch.File("block/loop0/loop/backing_file"), "/var/a b.img\n");
        Assert.Equal(["wwn-0x5"], DeviceLinks.ById(scratch.File("by-id"))["sda"].ToArray());
        Assert.Equal([KeyValuePair.Create("loop0", "/var/a b.img")], DeviceLinks.LoopFiles(scratch.File("block")));
        Assert.Empty(DeviceLinks.ById(scratch.File("none")));
        Assert.Empty(DeviceLinks.LoopFiles(scratch.File("none")));
    }

    public void Dispose() => scratch.Dispose();
}
