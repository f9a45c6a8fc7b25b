using System.Reflection;
using StorageHost.Files.Copying;
using StorageHost.Files.Posix;
using StorageHost.Images.Names;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;
using StorageHost.Processes;
using StorageHost.Qemu;
using Xunit;

namespace StorageHost.Tests.Architecture;

/// <summary>Who may know whom, held on the compiled daemon. A constant leaves no trace there; everything else does.</summary>
public sealed class LayerTests
{
    private const string Ours = "StorageHost";

    private static readonly Assembly Daemon = typeof(FileNames).Assembly;

    /// <summary>What each folder may see beside itself. Hosting and Program join the parts, so they see all.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["Images"] = [],
        ["Processes"] = [],
        ["ImageStorages"] = ["Images"],
        ["Files"] = ["Images", "ImageStorages"],
        ["Qemu"] = ["Images", "ImageStorages", "Processes"],
        ["Gluster"] = ["Images", "ImageStorages", "Processes"],
        ["BlockDevices"] = ["Images", "ImageStorages", "Processes"],
        ["Api"] = ["Images", "ImageStorages"],
    };

    private static readonly string[] Joining = ["Hosting", ""];

    [Fact]
    public void Every_folder_sees_only_what_it_may()
    {
        var faults = Daemon.GetTypes().Where(type => FolderOf(type) is { } folder && Allowed.ContainsKey(folder)).SelectMany(type => References.Types(type)
            .Where(seen => FolderOf(seen) is { } folder && folder != FolderOf(type) && !Allowed[FolderOf(type)!].Contains(folder, StringComparer.Ordinal))
            .Select(seen => $"{type.FullName} sees {seen.FullName}"));
        Assert.Equal("", string.Join('\n', faults.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)));
    }

    [Fact]
    public void Every_folder_has_its_rule() =>
        Assert.Empty(Daemon.GetTypes().Select(FolderOf).OfType<string>().Distinct(StringComparer.Ordinal).Except([.. Allowed.Keys, .. Joining], StringComparer.Ordinal));

    [Fact]
    public void The_core_is_reached_by_interfaces_that_others_implement()
    {
        var ports = new[] { typeof(IVolume), typeof(IPublisher), typeof(IRemover), typeof(ICopyEngine), typeof(IDiskCreator), typeof(IHostIndex), typeof(IImageInspector) };
        Assert.All(ports, port => Assert.DoesNotContain(Daemon.GetTypes(), type => type.IsClass && port.IsAssignableFrom(type) && FolderOf(type) == "Images"));
        Assert.All(ports, port => Assert.Contains(Daemon.GetTypes(), type => type.IsClass && port.IsAssignableFrom(type) && FolderOf(type) is "Files" or "Qemu"));
    }

    [Theory]
    [InlineData("File", "Move")]
    [InlineData("File", "Copy")]
    [InlineData("File", "Exists")]
    [InlineData("File", "Delete")]
    [InlineData("RandomAccess", "FlushToDisk")]
    [InlineData("DateTime", "get_Now")]
    [InlineData("DateTime", "get_UtcNow")]
    [InlineData("DateTimeOffset", "get_Now")]
    [InlineData("DateTimeOffset", "get_UtcNow")]
    [InlineData("Thread", "Sleep")]
    [InlineData("Process", "Start")]
    public void What_is_banned_is_used_nowhere(string type, string member) => Assert.DoesNotContain(
        Daemon.GetTypes().SelectMany(References.Used), used => used.DeclaringType is { Namespace: "System.IO" or "System" or "System.Threading" or "System.Diagnostics" } declaring && declaring.Name == type && used.Name == member);

    [Theory]
    [InlineData(typeof(OfField), "Files")]
    [InlineData(typeof(OfParameter), "Files")]
    [InlineData(typeof(OfBody), "Files")]
    [InlineData(typeof(OfGeneric), "Qemu")]
    [InlineData(typeof(OfLambda), "Processes")]
    [InlineData(typeof(OfTypeName), "Qemu")]
    [InlineData(typeof(OfCatch), "Files")]
    public void A_reference_is_found_wherever_it_stands(Type type, string folder) => Assert.Contains(
        type.GetNestedTypes(BindingFlags.NonPublic).Append(type).SelectMany(References.Types), seen => FolderOf(seen) == folder);

    /// <summary>The folder that a type of ours lies in; empty for Program, null for what is not ours.</summary>
    private static string? FolderOf(Type type)
    {
        while (type.DeclaringType is { } outer)
        {
            type = outer;
        }

        return type.Assembly != Daemon ? null
            : type.Namespace is null ? (type.Name == "Program" ? "" : null)
            : type.Namespace.StartsWith(Ours + ".", StringComparison.Ordinal) ? type.Namespace.Split('.')[1]
            : null;
    }

    private sealed class OfField
    {
        internal DirectoryHandle? Seen { get; set; }
    }

    private sealed class OfParameter
    {
        internal static void See(CopyEngine? seen) => _ = seen;
    }

    private sealed class OfBody
    {
        internal static string See() => Errno.Name(2);
    }

    private sealed class OfGeneric
    {
        internal static int See() => new List<Dictionary<int, QemuOptions[]>>().Count;
    }

    private sealed class OfLambda
    {
        internal static Func<object> See() => () => new ProcessCommand("true", []);
    }

    private sealed class OfTypeName
    {
        internal static Type See() => typeof(QemuImg);
    }

    private sealed class OfCatch
    {
        internal static void See(Action act)
        {
            try
            {
                act();
            }
            catch (StorageException)
            {
            }
        }
    }
}
