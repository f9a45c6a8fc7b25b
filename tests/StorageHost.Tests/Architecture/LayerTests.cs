using System.Reflection;
using StorageHost.Files.Copying;
using StorageHost.Files.Posix;
using StorageHost.Images.Names;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;
using StorageHost.Processes;
using StorageHost.Qemu;
using StorageHost.Tests.Support;
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
        ["Cli"] = [],
        ["ImageStorages"] = ["Images"],
        ["Files"] = ["Images", "ImageStorages"],
        ["Fetching"] = ["Images"],
        ["Qemu"] = ["Images", "ImageStorages", "Processes"],
        ["Gluster"] = ["Images", "ImageStorages", "Processes"],
        ["BlockDevices"] = ["Images", "ImageStorages", "Processes"],
        ["Api"] = ["Images", "ImageStorages"],
    };

    /// <summary>The same inside Files: its layers. What lies in no room composes them.</summary>
    private static readonly Dictionary<string, string[]> Rooms = new(StringComparer.Ordinal)
    {
        ["Posix"] = [],
        ["Session"] = ["Posix"],
        ["Unwrapping"] = [],
        ["Catalog"] = ["Posix", "Session"],
        ["Copying"] = ["Posix", "Session", "Catalog"],
        ["Growing"] = ["Posix", "Session", "Catalog"],
        ["Publishing"] = ["Posix", "Session", "Catalog", "Growing"],
        ["Importing"] = ["Posix", "Session", "Catalog", "Publishing", "Unwrapping"],
        ["Removing"] = ["Posix", "Session", "Catalog"],
        ["Index"] = ["Posix", "Session", "Catalog"],
    };

    private static readonly string[] Joining = ["Hosting", ""];

    [Fact]
    public void Every_folder_sees_only_what_it_may() => Assert.Equal("", Faults(Allowed, FolderOf));

    [Fact]
    public void Every_room_of_Files_sees_only_the_layers_below() => Assert.Equal("", Faults(Rooms, RoomOf));

    [Fact]
    public void Every_room_of_Files_has_its_rule() =>
        Assert.Equal(Rooms.Keys.Order(StringComparer.Ordinal), Daemon.GetTypes().Select(RoomOf).OfType<string>().Where(room => room != "").Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));

    [Fact]
    public void The_page_of_the_architecture_has_the_same_rules()
    {
        var rules = Allowed.Concat(Rooms.Select(room => KeyValuePair.Create($"Files/{room.Key}", room.Value)))
            .Select(rule => $"{rule.Key}: {string.Join(' ', rule.Value.Order(StringComparer.Ordinal))}");
        Assert.Equal(rules.Order(StringComparer.Ordinal), RulesOnThePage().Order(StringComparer.Ordinal), StringComparer.Ordinal);
    }

    [Fact]
    public void Every_folder_has_its_rule() =>
        Assert.Empty(Daemon.GetTypes().Select(FolderOf).OfType<string>().Distinct(StringComparer.Ordinal).Except([.. Allowed.Keys, .. Joining], StringComparer.Ordinal));

    [Fact]
    public void The_core_is_reached_by_interfaces_that_others_implement()
    {
        var ports = new[] { typeof(IVolume), typeof(IPublisher), typeof(IRemover), typeof(ICopyEngine), typeof(ITemplateImporter), typeof(IDiskCreator), typeof(IImageConverter), typeof(IHostIndex), typeof(ITemplateIndex), typeof(IImageInspector), typeof(IUrlSource), typeof(IImageGrower), typeof(IDiskIndex), typeof(IDiskGrower) };
        Assert.All(ports, port => Assert.DoesNotContain(Daemon.GetTypes(), type => type.IsClass && port.IsAssignableFrom(type) && FolderOf(type) == "Images"));
        Assert.All(ports, port => Assert.Contains(Daemon.GetTypes(), type => type.IsClass && port.IsAssignableFrom(type) && FolderOf(type) is "Files" or "Qemu" or "Fetching"));
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

    private static string Faults(Dictionary<string, string[]> rules, Func<Type, string?> placeOf)
    {
        var faults = Daemon.GetTypes().Where(type => placeOf(type) is { } place && rules.ContainsKey(place)).SelectMany(type => References.Types(type)
            .Where(seen => placeOf(seen) is { } place && place != placeOf(type) && !rules[placeOf(type)!].Contains(place, StringComparer.Ordinal))
            .Select(seen => $"{type.FullName} sees {seen.FullName}"));
        return string.Join('\n', faults.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));
    }

    /// <summary>The rows of the page that say what a folder may know. Those that compose see all, and have no rule.</summary>
    private static IEnumerable<string> RulesOnThePage() => File.ReadLines(Path.Combine(Repository.Root, "docs/architecture.md"))
        .Select(line => line.Split('|', StringSplitOptions.TrimEntries))
        .Where(cells => cells is ["", ['`', .., '`'], _, not "composes: sees all", ""])
        .Where(cells => cells[3] == "nothing of ours" || cells[3].StartsWith('`'))
        .Select(cells => $"{cells[1].Trim('`')}: {string.Join(' ', cells[3].Split('`').Where((_, at) => at % 2 == 1).Order(StringComparer.Ordinal))}");

    /// <summary>The room of Files that a type lies in; empty for what composes the rooms, null for what is not of Files.</summary>
    private static string? RoomOf(Type type) => FolderOf(type) != "Files" ? null : NamespaceOf(type).Split('.') is [_, _, var room, ..] ? room : "";

    private static string NamespaceOf(Type type) => type.DeclaringType is { } outer ? NamespaceOf(outer) : type.Namespace ?? "";

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
