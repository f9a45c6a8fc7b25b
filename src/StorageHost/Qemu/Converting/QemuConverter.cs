using System.Runtime.ExceptionServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using StorageHost.Images;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;
using StorageHost.Processes;

namespace StorageHost.Qemu.Converting;

/// <summary>
/// Converts with qemu-img, caged. It never has a file of the volume open: it reads and writes over NBD, and the daemon does what it asks
/// for on its own threads with their deadlines. So the program can be killed whatever the mount does.
/// </summary>
internal sealed partial class QemuConverter(ProcessRunner runner, IOptions<QemuOptions> options, ILogger<QemuConverter> log)
    : IImageConverter
{
    private const int LoggedError = 2000;

    /// <summary>What the program is told as the size of the file that it makes: more than any limit lets it become.</summary>
    private const long TargetBytes = 1L << 52;

    public async Task ConvertAsync(IReadOnlyList<ConversionSource> chain, IBlockTarget target, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using var server = new NbdServer(cancellationToken);
        string[] arguments =
        [
            // Caches are ours, and so are what may be lost and what is zero already.
            "convert", "-q", "-T", "none", "-t", "none", "-O", "qcow2", Source(server, chain),
            $"nbd+unix:///?socket={server.Add(new NbdExport(target, TargetBytes))}",
        ];
        var running = RunAsync(arguments, stop.Token);
        if (await Task.WhenAny(running, server.Broken) != running)
        {
            // It is waited for: nothing may write any more when the file is thrown away.
            await stop.CancelAsync();
            await ((Task)running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
            ExceptionDispatchInfo.Throw(await server.Broken);
        }

        var result = await running;
        await server.EndAsync();
        if (result.ExitCode != 0)
        {
            Refuse(result);
        }
    }

    /// <summary>The chain as QEMU takes it, with every format named, so that it never looks at what a header names.</summary>
    private static string Source(NbdServer server, IReadOnlyList<ConversionSource> chain)
    {
        JsonNode? node = null;
        foreach (var (format, content) in chain.Reverse())
        {
            var backing = node;
            var path = server.Add(new NbdExport(backing is null ? content : new NamelessContent(content), content.Length));
            var file = new JsonObject
            {
                ["driver"] = "nbd",
                ["server"] = new JsonObject { ["type"] = "unix", ["path"] = path },
            };
            node = new JsonObject { ["driver"] = Driver(format), ["read-only"] = true, ["file"] = file };
            if (format is SourceFormat.Qcow2)
            {
                node["backing"] = backing;
            }
        }

        return $"json:{node!.ToJsonString(JsonSerializerOptions.Default)}";
    }

    private static string Driver(SourceFormat format) => format switch
    {
        SourceFormat.Raw => "raw",
        SourceFormat.Qcow2 => "qcow2",
        SourceFormat.Vmdk => "vmdk",
        SourceFormat.Vhd => "vpc",
        SourceFormat.Vhdx => "vhdx",
        _ => "vdi",
    };

    private async Task<ProcessResult> RunAsync(string[] arguments, CancellationToken cancellationToken)
    {
        var command = new ProcessCommand(options.Value.Path, arguments)
        {
            Timeout = options.Value.ConvertTimeout,
            MemoryBytes = (long)options.Value.MemoryLimitMb << 20,
            IsCaged = true,
        };
        try
        {
            return await runner.RunAsync(command, cancellationToken);
        }
        catch (ProcessTimedOutException late)
        {
            LogTimedOut(late);
            throw new RefusedException(
                Refusal.ImageRejected, $"the image was not converted within {command.Timeout} (Qemu:ConvertTimeout)", late);
        }
        catch (ProcessNotStartedException missing)
        {
            LogNotStarted(missing, command.Program);
            throw new RefusedException(Refusal.StorageUnavailable, "the image could not be converted: qemu-img is not installed", missing);
        }
    }

    private void Refuse(ProcessResult result)
    {
        LogFailed(result.ExitCode, result.Error[..Math.Min(result.Error.Length, LoggedError)].Trim());
        throw result.ExitCode == CagedCommand.NotConfined
            ? new RefusedException(
                Refusal.StorageUnavailable, "the image could not be converted: qemu-img cannot be confined here (Landlock and seccomp)")
            : new RefusedException(Refusal.ImageRejected, "the image is broken: qemu-img cannot convert it; the log says more");
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "qemu-img could not convert an image, exit code {ExitCode}: {Error}")]
    private partial void LogFailed(int exitCode, string error);

    [LoggerMessage(Level = LogLevel.Error, Message = "qemu-img was stopped while it converted an image")]
    private partial void LogTimedOut(Exception exception);

    [LoggerMessage(Level = LogLevel.Error, Message = "qemu-img ({Program}) is not there or may not be executed")]
    private partial void LogNotStarted(Exception exception, string program);
}
