using System.Globalization;
using Microsoft.Extensions.Options;
using Microsoft.Win32.SafeHandles;
using StorageHost.Images;
using StorageHost.Images.Ports;
using StorageHost.Processes;

namespace StorageHost.Qemu;

/// <summary>
/// Makes data disks with qemu-img, in memory (an empty one of 64 TiB takes 1.2 MB): a program on the volume could hang with it.
/// </summary>
internal sealed partial class QemuImg(ProcessRunner runner, IOptions<QemuOptions> options, ILogger<QemuImg> logger)
    : IDiskCreator, IDisposable
{
    private const int LoggedError = 2000;

    /// <summary>
    /// Each takes some hundredths of a second of a processor; a burst of requests is not to take all of them from those who start machines.
    /// </summary>
    private const int MaxRuns = 4;

    private readonly SemaphoreSlim _slots = new(MaxRuns, MaxRuns);
    private readonly QemuOptions _options = options.Value;

    public async Task<SafeFileHandle> CreateAsync(int sizeGb, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(sizeGb);
        if (!await _slots.WaitAsync(_options.Timeout, cancellationToken))
        {
            throw new RefusedException(Refusal.StorageTimeout, "too many data disks are being created; nothing was created");
        }

        try
        {
            return await CreateAsync(string.Create(CultureInfo.InvariantCulture, $"{sizeGb}G"), cancellationToken);
        }
        finally
        {
            _slots.Release();
        }
    }

    public void Dispose() => _slots.Dispose();

    private async Task<SafeFileHandle> CreateAsync(string size, CancellationToken cancellationToken)
    {
        var image = MemoryFile.Create("disk");
        try
        {
            var result = await RunAsync(["create", "-q", "-f", "qcow2", MemoryFile.PathOf(image), size], cancellationToken);
            if (result.ExitCode == 0)
            {
                return image;
            }

            LogFailed(size, result.ExitCode, result.Error[..Math.Min(result.Error.Length, LoggedError)].Trim());
            throw new RefusedException(Refusal.StorageUnavailable, "the data disk could not be created: qemu-img failed");
        }
        catch
        {
            image.Dispose();
            throw;
        }
    }

    private async Task<ProcessResult> RunAsync(string[] arguments, CancellationToken cancellationToken)
    {
        try
        {
            var command = new ProcessCommand(_options.Path, arguments)
            {
                Timeout = _options.Timeout,
                MemoryBytes = (long)_options.MemoryLimitMb << 20,
            };
            return await runner.RunAsync(command, cancellationToken);
        }
        catch (ProcessTimedOutException e)
        {
            LogTimedOut(e);
            throw new RefusedException(
                Refusal.StorageTimeout, $"the data disk was not created within {_options.Timeout.TotalSeconds:0.###} s", e);
        }
        catch (ProcessNotStartedException e)
        {
            LogNotStarted(e, _options.Path);
            throw new RefusedException(Refusal.StorageUnavailable, "the data disk could not be created: qemu-img is not installed", e);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "qemu-img failed to make a disk of {Size} with exit code {ExitCode}: {Error}")]
    private partial void LogFailed(string size, int exitCode, string error);

    [LoggerMessage(Level = LogLevel.Error, Message = "qemu-img was stopped")]
    private partial void LogTimedOut(Exception exception);

    [LoggerMessage(Level = LogLevel.Error, Message = "qemu-img ({Program}) is not there or may not be executed")]
    private partial void LogNotStarted(Exception exception, string program);
}
