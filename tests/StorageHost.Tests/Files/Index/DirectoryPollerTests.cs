using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using StorageHost.Files;
using StorageHost.Files.Index;
using StorageHost.Files.Session;
using StorageHost.Images.Disks;
using StorageHost.Images.Pools;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;
using StorageHost.ImageStorages;
using StorageHost.Processes;
using StorageHost.Qemu;
using StorageHost.Tests.ImageStorages;
using StorageHost.Tests.Processes;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Files.Index;

public sealed class DirectoryPollerTests : IAsyncLifetime, IDisposable
{
    /// <summary>A file of this length hangs whoever reads it.</summary>
    private const int Hanging = 4242;

    private readonly Scratch scratch = new();
    private readonly ManualResetEventSlim hang = new();
    private readonly Dictionary<string, string> extras = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource stop = new();
    private ServiceProvider services = null!;
    private Task polling = null!;

    private DirectoryPoller Poller => services.GetRequiredService<DirectoryPoller>();

    [Fact]
    public async Task The_served_directory_comes_first_and_each_knows_where_it_lies()
    {
        Make("served", "a.qcow2", 512);
        Make("fast", "b.qcow2", 1024);
        extras["fast"] = scratch.File("fast");
        extras["also"] = "/proc";
        await StartAsync(serve: true);
        await UntilAsync(() => Poller.Latest.All(directory => directory.Facts.TakenAt is not null));

        Assert.Equal(["images-here", "also", "fast"], Poller.Latest.Select(directory => directory.Name).ToArray());
        Assert.Equal("a.qcow2", Assert.Single(Facts("images-here").Value!.Images).FileName);
        Assert.Equal(1024, Assert.Single(Facts("fast").Value!.Images).VirtualBytes);
        Assert.Equal(("proc", "/proc"), (Facts("also").Value!.FileSystemType, Facts("also").Value!.MountPoint));
        var (served, drive) = (Facts("images-here").Value!, new DriveInfo(scratch.File("served")));
        Assert.Equal(await FindMountAsync("MAJ:MIN"), served.DeviceNumber);
        Assert.Equal(await FindMountAsync("TARGET"), served.MountPoint);
        Assert.Equal(await FindMountAsync("FSTYPE"), served.FileSystemType);
        Assert.Equal(await FindMountAsync("SOURCE"), served.Source);
        Assert.Equal(drive.TotalSize, served.TotalBytes);
        Assert.InRange(served.FreeBytes, 1, drive.TotalSize);
    }

    [Fact]
    public async Task What_comes_and_goes_is_seen_at_the_next_look()
    {
        Make("served", "a.qcow2", 512);
        await StartAsync(serve: true);
        await UntilAsync(() => Facts("images-here").Value?.Images.Count == 1);
        Make("served", "b.qcow2", 512);
        await UntilAsync(() => Facts("images-here").Value?.Images.Count == 2);
        Directory.Move(scratch.File("served/a.qcow2"), scratch.File("away"));
        await UntilAsync(() => Facts("images-here").Value?.Images is [{ FileName: "b.qcow2" }]);
    }

    [Fact]
    public async Task A_directory_that_goes_away_keeps_its_old_facts_with_their_time()
    {
        Make("served", "a.qcow2", 512);
        Make("fast", "b.qcow2", 512);
        extras["fast"] = scratch.File("fast");
        extras["file"] = scratch.File("fast/b.qcow2");
        await StartAsync(serve: true);
        await UntilAsync(() => Facts("fast").TakenAt is not null && Facts("file").Problem is not null);
        Assert.Equal(new Facts<DirectoryFacts>(null, null, "the directory is a file"), Facts("file"));

        Directory.Move(scratch.File("fast"), scratch.File("gone"));
        await UntilAsync(() => Facts("fast").Problem is not null);
        var known = Facts("fast");
        Assert.Equal("the directory does not exist", known.Problem);
        Assert.Single(known.Value!.Images);
        await UntilAsync(() => Facts("images-here").TakenAt > known.TakenAt);
        Assert.Equal(known, Facts("fast"));

        Directory.Move(scratch.File("gone"), scratch.File("fast"));
        await UntilAsync(() => Facts("fast").Problem is null);
        Assert.True(Facts("fast").TakenAt > known.TakenAt);
    }

    [Fact]
    public async Task Without_a_session_with_the_volume_the_reason_is_told()
    {
        Make("served", "a.qcow2", 512);
        await StartAsync(serve: false);
        await UntilAsync(() => Facts("images-here").Problem is not null);
        Assert.Equal(new Facts<DirectoryFacts>(null, null, "the storage directory was not opened yet"), Facts("images-here"));
    }

    [Fact]
    public async Task A_directory_that_hangs_takes_only_its_own_facts_with_it()
    {
        Make("served", "a.qcow2", 512);
        Make("slow", "b.qcow2", 512);
        extras["slow"] = scratch.File("slow");
        await StartAsync(serve: true);
        await UntilAsync(() => Facts("slow").TakenAt is not null);
        Make("slow", "c.qcow2", Hanging);

        // Long enough for all its threads to hang.
        await UntilAsync(() => Facts("slow").Problem is not null);
        for (var looks = 0; looks < 5; looks++)
        {
            var taken = Facts("images-here").TakenAt;
            await UntilAsync(() => Facts("images-here").TakenAt > taken);
            await Task.Delay(500);
        }

        Assert.Matches("^the storage d(id|oes) not answer", Facts("slow").Problem);
        Assert.Single(Facts("slow").Value!.Images);
        Assert.Null(Facts("images-here").Problem);
        Assert.Empty(await services.GetRequiredService<IVolume>().ListTemplatesAsync(CancellationToken.None));

        hang.Set();
        await UntilAsync(() => Facts("slow") is { Problem: null, Value.Images.Count: 2 });
    }

    public Task InitializeAsync()
    {
        Directory.CreateDirectory(scratch.File("served"));
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        hang.Set();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.EndsAsync(polling));
        await services.DisposeAsync();
    }

    public void Dispose()
    {
        hang.Dispose();
        stop.Dispose();
        scratch.Dispose();
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        for (var tries = 0; !condition(); tries++)
        {
            Assert.True(tries < 2000, "it never came to that");
            await Task.Delay(10);
        }
    }

    private Facts<DirectoryFacts> Facts(string name) => Poller.Latest.Single(directory => directory.Name == name).Facts;

    private void Make(string directory, string name, int bytes)
    {
        Directory.CreateDirectory(scratch.File(directory));
        File.WriteAllBytes(scratch.File($"{directory}/{name}"), new byte[bytes]);
    }

    private async Task StartAsync(bool serve)
    {
        var options = new StorageOptions
        {
            Directory = scratch.File("served"),
            VolumeId = "images-here",
            ExtraVolumes = extras,
            IndexInterval = TimeSpan.FromMilliseconds(20),
            OperationTimeout = TimeSpan.FromSeconds(2),
            TransferTimeout = TimeSpan.FromSeconds(2),
            Threads = 2,
        };
        services = new ServiceCollection()
            .AddFiles()
            .AddSingleton(Options.Create(options))
            .AddSingleton(Options.Create(new DisksOptions()))
            .AddSingleton(Options.Create(new PoolOptions()))
            .AddSingleton<IImageInspector>(new HangingInspector(hang))
            .AddSingleton<IImageGrower>(new ImageGrower())
            .AddSingleton<KnownVersions>()
            .AddSingleton<IFacts<GlusterCluster>>(new Known())
            .AddSingleton(TestMeters.OfImages())
            .AddSingleton(TimeProvider.System)
            .AddSingleton<ForegroundGate>()
            .AddSingleton<ILoggerFactory>(NullLoggerFactory.Instance)
            .AddSingleton(typeof(ILogger<>), typeof(NullLogger<>))
            .BuildServiceProvider();
        if (serve)
        {
            await services.GetRequiredService<IVolume>().EnsureServedAsync(CancellationToken.None);
        }

        polling = Poller.RunAsync(stop.Token);
    }

    private async Task<string> FindMountAsync(string column)
    {
        var runner = Programs.Runner;
        var result = await runner.RunAsync(new ProcessCommand("findmnt", ["-n", "-v", "-o", column, "-T", scratch.File("served")]), CancellationToken.None);
        return result.Output.Trim();
    }

    private sealed class HangingInspector(ManualResetEventSlim hang) : IImageInspector
    {
        private readonly ImageInspector inspector = new();

        public ImageHeader Inspect(IHeaderSource source)
        {
            if (source.Length == Hanging)
            {
                hang.Wait();
            }

            return inspector.Inspect(source);
        }

        public string? FindPackaging(IHeaderSource source) => null;

        public ForeignImage? FindForeign(IHeaderSource source) => null;

        public IWholeCheck? CheckWhole(IHeaderSource source) => null;
    }
}
