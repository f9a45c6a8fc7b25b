using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Win32.SafeHandles;
using StorageHost.Images;
using StorageHost.Images.Templates;
using StorageHost.Processes;
using StorageHost.Qemu;
using StorageHost.Tests.Processes;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Qemu;

public sealed class QemuImgTests : IDisposable
{
    private readonly Scratch _scratch = new();
    private readonly ListLogger _log = new();
    private readonly ProcessRunner _runner = Programs.Runner;

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public async Task Makes_an_empty_qcow2_of_that_many_GiB()
    {
        using var image = await Create(new QemuOptions(), 5);

        var content = new byte[RandomAccess.GetLength(image)];
        RandomAccess.Read(image, content, 0);
        await File.WriteAllBytesAsync(_scratch.File("disk"), content);
        Assert.Equal(new ImageHeader(ImageFormat.Qcow2, 5L << 30, null, null), RealQemuImg.Inspect(_scratch.File("disk")));
        Assert.Empty(_log.Lines);
    }

    [Fact]
    public async Task It_is_gone_when_it_is_closed_or_was_not_made()
    {
        using (var image = await Create(await FakeAsync("echo made > \"$5\""), 5))
        {
            Assert.Equal(5, RandomAccess.GetLength(image));
            Assert.Equal(1, CountOpen());
        }

        await Assert.ThrowsAsync<RefusedException>(async () => await Create(await FakeAsync("echo half > \"$5\"; exit 1"), 5));

        Assert.Equal(0, CountOpen());
    }

    [Fact]
    public async Task Runs_exactly_this()
    {
        var options = await FakeAsync($"exec > {_scratch.File("argv")}; printf '%s\\n' \"$@\"; ulimit -v; touch \"$5\"");
        options.MemoryLimitMb = 512;

        (await Create(options, 7)).Dispose();

        Assert.Matches($"^create\n-q\n-f\nqcow2\n/proc/{Environment.ProcessId}/fd/[0-9]+\n7G\n524288\n$", await File.ReadAllTextAsync(_scratch.File("argv")));
    }

    [Theory]
    [InlineData("qemu-img: /d/x: Could not resize image: No space left on device")]
    [InlineData("")]
    public async Task Says_that_it_failed_without_a_path_and_the_log_says_why(string error)
    {
        var options = await FakeAsync($"echo '{error}' >&2; exit 1");

        var refused = await Assert.ThrowsAsync<RefusedException>(() => Create(options, 1));

        Assert.Equal(Refusal.StorageUnavailable, refused.Reason);
        Assert.DoesNotContain('/', refused.Message);
        Assert.Equal($"Error: qemu-img failed to make a disk of 1G with exit code 1: {error}", Assert.Single(_log.Lines));
    }

    [Fact]
    public async Task Logs_no_more_than_the_beginning_of_a_flood()
    {
        var options = await FakeAsync("head -c 100000 /dev/zero | tr '\\0' x >&2; exit 1");

        await Assert.ThrowsAsync<RefusedException>(() => Create(options, 1));

        Assert.InRange(Assert.Single(_log.Lines).Length, 2000, 2100);
    }

    [Fact]
    public async Task Gives_up_at_the_deadline()
    {
        var options = await FakeAsync("exec sleep 60");
        options.Timeout = TimeSpan.FromMilliseconds(50);

        var refused = await Assert.ThrowsAsync<RefusedException>(() => Create(options, 1));

        Assert.Equal((Refusal.StorageTimeout, "the data disk was not created within 0.05 s"), (refused.Reason, refused.Message));
    }

    [Fact]
    public async Task Says_that_qemu_img_is_not_installed()
    {
        var refused = await Assert.ThrowsAsync<RefusedException>(() => Create(new QemuOptions { Path = "/no/qemu-img" }, 1));

        Assert.Equal(Refusal.StorageUnavailable, refused.Reason);
        Assert.Equal("the data disk could not be created: qemu-img is not installed", refused.Message);
        Assert.Equal("Error: qemu-img (/no/qemu-img) is not there or may not be executed", Assert.Single(_log.Lines));
    }

    [Fact]
    public async Task Leaves_cancellation_as_it_is()
    {
        using var cancel = new CancellationTokenSource();
        var run = Create(await FakeAsync("exec sleep 60"), 1, cancel.Token);

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public async Task Never_passes_on_what_is_no_size(int sizeGb)
    {
        var options = await FakeAsync($"echo ran > {_scratch.File("ran")}");

        await Assert.ThrowsAnyAsync<ArgumentException>(() => Create(options, sizeGb));

        Assert.False(File.Exists(_scratch.File("ran")));
    }

    // Nothing else in this process makes any.
    private static int CountOpen() => Directory.GetFiles("/proc/self/fd").Count(descriptor => TargetOf(descriptor) is { } target && target.StartsWith("/memfd:disk", StringComparison.Ordinal));

    private static string? TargetOf(string descriptor)
    {
        try
        {
            return new FileInfo(descriptor).LinkTarget;
        }
        catch (IOException)
        {
            return null; // closed meanwhile
        }
    }

    private Task<SafeFileHandle> Create(QemuOptions options, int sizeGb, CancellationToken cancellationToken = default) =>
        new QemuImg(_runner, Options.Create(options), _log).CreateAsync(sizeGb, cancellationToken);

    /// <summary>
    /// A script in qemu-img's place. Another process writes it: a child that a test beside this one forks meanwhile would hold it
    /// open for writing, and nothing that is can be executed.
    /// </summary>
    private async Task<QemuOptions> FakeAsync(string script)
    {
        var path = _scratch.File("fake-qemu-img");
        string[] write = ["-c", "printf '#!/bin/sh\\n%s' \"$2\" > \"$1\"; chmod 500 \"$1\"", "sh", path, script];
        await _runner.RunAsync(new ProcessCommand("sh", write), CancellationToken.None);
        return new QemuOptions { Path = path };
    }

    private sealed class ListLogger : ILogger<QemuImg>
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Add($"{logLevel}: {formatter(state, exception)}");
    }
}
