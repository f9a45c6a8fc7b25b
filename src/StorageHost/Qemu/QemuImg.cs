using System.Globalization;
using Microsoft.Extensions.Options;
using StorageHost.Images;
using StorageHost.Processes;

namespace StorageHost.Qemu;

/// <summary>Makes data disks with qemu-img. When it fails, what is under the private name stays for the caller to remove.</summary>
internal sealed partial class QemuImg(ProcessRunner runner, IOptions<QemuOptions> options, ILogger<QemuImg> logger) : IDiskCreator, IDisposable
{
    private const int LoggedError = 2000;

    /// <summary>Reading what a program prints keeps a worker busy for as long as it hangs: a hung storage may not use up all of them.</summary>
    private const int MaxRuns = 4;

    private readonly SemaphoreSlim _slots = new(MaxRuns, MaxRuns);
    private readonly QemuOptions _options = options.Value;

    public async Task CreateAsync(PrivateFile file, int sizeGb, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(sizeGb);
        if (!file.Path.StartsWith('/'))
        {
            // A path that begins with a slash is neither an option to qemu-img nor a protocol, whatever follows it.
            throw new ArgumentException("must be an absolute path", nameof(file));
        }

        var size = string.Create(CultureInfo.InvariantCulture, $"{sizeGb}G");
        var result = await RunAsync(["create", "-q", "-f", "qcow2", file.Path, size], cancellationToken);
        if (result.ExitCode == 0)
        {
            return;
        }

        LogFailed(file.Name, result.ExitCode, result.Error[..Math.Min(result.Error.Length, LoggedError)].Trim());
        throw IsFull(result.Error)
            ? new RefusedException(Refusal.NoSpace, $"there is no space left for a data disk of {size}")
            : new RefusedException(Refusal.StorageUnavailable, "the data disk could not be created: qemu-img failed");
    }

    public void Dispose() => _slots.Dispose();

    private async Task<ProcessResult> RunAsync(string[] arguments, CancellationToken cancellationToken)
    {
        if (!await _slots.WaitAsync(_options.Timeout, cancellationToken))
        {
            throw new RefusedException(Refusal.StorageTimeout, "too many data disks are being created; nothing was created");
        }

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
        finally
        {
            _slots.Release();
        }
    }

    /// <summary>qemu-img has one exit code for everything; its messages are the C library's, in English by our locale.</summary>
    private static bool IsFull(string error) =>
        error.Contains("No space left on device", StringComparison.Ordinal)
        || error.Contains("Disk quota exceeded", StringComparison.Ordinal);

    [LoggerMessage(Level = LogLevel.Error, Message = "qemu-img failed on {File} with exit code {ExitCode}: {Error}")]
    private partial void LogFailed(string file, int exitCode, string error);

    [LoggerMessage(Level = LogLevel.Error, Message = "qemu-img was stopped")]
    private partial void LogTimedOut(Exception exception);

    [LoggerMessage(Level = LogLevel.Error, Message = "qemu-img ({Program}) is not there or may not be executed")]
    private partial void LogNotStarted(Exception exception, string program);
}
