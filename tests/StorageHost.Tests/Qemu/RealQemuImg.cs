using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using StorageHost.Images.Templates;
using StorageHost.Processes;
using StorageHost.Qemu;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Qemu;

/// <summary>The installed qemu-img, and our inspector on the files that it makes.</summary>
internal static class RealQemuImg
{
    private static readonly ProcessRunner Runner = Programs.Runner;

    public static async Task RunAsync(params string[] arguments)
    {
        var result = await Runner.RunAsync(new ProcessCommand("qemu-img", arguments), CancellationToken.None);
        Assert.True(result.ExitCode == 0, result.Error);
    }

    /// <summary>Writes to a qcow2 image as a guest would, with commands of <c>qemu-io</c>.</summary>
    public static async Task WriteAsync(string path, params string[] commands)
    {
        var result = await Runner.RunAsync(
            new ProcessCommand("qemu-io", ["-f", "qcow2", .. commands.SelectMany(command => new[] { "-c", command }), path]), CancellationToken.None);
        Assert.True(result.ExitCode == 0, result.Error);
    }

    /// <summary>Whether <c>qemu-img check</c> finds an image sound.</summary>
    public static async Task<bool> IsSoundAsync(string path)
    {
        var result = await Runner.RunAsync(new ProcessCommand("qemu-img", ["check", "-q", "-U", "-f", "qcow2", path]), CancellationToken.None);
        return result.ExitCode == 0;
    }

    /// <summary>What <c>qemu-img info</c> says; null when it refuses the image.</summary>
    public static async Task<JsonElement?> InfoAsync(string format, string path)
    {
        string[] arguments = ["info", "--output=json", "-U", "-f", format, path];
        var result = await Runner.RunAsync(new ProcessCommand("qemu-img", arguments), CancellationToken.None);
        return result.ExitCode == 0 ? JsonDocument.Parse(result.Output).RootElement : null;
    }

    public static ImageHeader Inspect(string path)
    {
        using var source = new FileSource(path);
        return new ImageInspector().Inspect(source);
    }

    /// <summary>What a check of the whole image finds.</summary>
    public static string? FindMissing(string path)
    {
        using var source = new FileSource(path);
        var check = new ImageInspector().CheckWhole(source);
        Assert.True(check?.Advance(() => false) ?? true);
        return check?.Fault;
    }

    private sealed class FileSource(string path) : IHeaderSource, IDisposable
    {
        private readonly SafeFileHandle _file = File.OpenHandle(path);

        public long Length => RandomAccess.GetLength(_file);

        public int Read(long offset, Span<byte> buffer) => RandomAccess.Read(_file, buffer, offset);

        public void Dispose() => _file.Dispose();
    }
}
