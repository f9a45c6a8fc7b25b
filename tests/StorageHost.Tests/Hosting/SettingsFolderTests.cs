using Microsoft.Extensions.Configuration.Memory;
using StorageHost.Hosting;
using StorageHost.Images.Pools;
using StorageHost.Tests.Hosting.Systemd;
using StorageHost.Tests.Processes;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Hosting;

public sealed class SettingsFolderTests : IDisposable
{
    private static readonly MemoryConfigurationSource Shipped = new()
    {
        InitialData = [KeyValuePair.Create("Storage:Directory", (string?)"/srv/images"), KeyValuePair.Create("Pool:MaxCopies", (string?)"3")],
    };

    private static readonly MemoryConfigurationSource Environment = new() { InitialData = [KeyValuePair.Create("Pool:Workers", (string?)"4")] };

    private readonly Scratch scratch = new();

    public void Dispose() => scratch.Dispose();

    [Fact]
    public void Without_the_folder_there_are_no_more_settings() => Assert.Equal((3, 4), Levels(Read()));

    [Fact]
    public void Files_count_in_the_order_of_their_names_over_what_is_shipped_and_below_the_environment()
    {
        Write("20-pool.json", """{ "Pool": { "MaxCopies": 7, "Workers": 9 } }""");
        Write("10-all.json", """{ "Storage": { "Directory": "/srv/vms" }, "Pool": { "MaxCopies": 5 } }""");
        Write(".30-hidden.json", "nonsense");
        Write("40.json~", "nonsense");
        var settings = Read();
        Assert.Empty(settings.Faults);
        Assert.Equal((7, 4), Levels(settings));
        Assert.Contains("Storage:Directory=/srv/vms", settings.Lines, StringComparer.Ordinal);
    }

    [Theory]
    [InlineData("{\n  \"Pool\": {\n    \"MaxCopies\": 7 2\n  }\n}", "line 3, byte 20: '2' is invalid after a value.")]
    [InlineData("{\n  \"Pool\": \n", "line 3, byte 1: Expected")]
    [InlineData("[1]", "Top-level JSON element must be an object.")]
    [InlineData("{\"Pool\": {\"Workers\": 2, \"workers\": 3}}", "A duplicate key 'Pool:workers' was found.")]
    public void A_file_that_is_not_JSON_is_named_with_the_reason_and_the_line(string text, string told)
    {
        Write("10.json", text);
        var fault = StorageHost.Hosting.Settings.Describe(Assert.Throws<InvalidDataException>(Read));
        Assert.StartsWith($"{scratch.File("conf.d/10.json")}: is not JSON as it must be: {told}", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_that_leads_nowhere_is_a_fault_and_not_passed_over()
    {
        Write("10.json", "{}");
        File.CreateSymbolicLink(scratch.File("conf.d/20.json"), "/nonexistent/20.json");
        Assert.Equal($"{scratch.File("conf.d/20.json")}: there is no such file", StorageHost.Hosting.Settings.Describe(Assert.Throws<InvalidDataException>(Read)));
    }

    [Fact]
    public void A_reload_sees_new_files_and_those_that_went()
    {
        Write("10.json", """{ "Pool": { "MaxCopies": 5 } }""");
        var settings = Read();
        using var listener = new Listener();
        using var reload = new Reload(settings, listener.Manager, new ManualTimeProvider(), new ListLog<Reload>());
        Write("20.json", """{ "Pool": { "MaxCopies": 6 } }""");
        reload.Run();
        Assert.Equal((6, 4), Levels(settings));
        new FileInfo(scratch.File("conf.d/20.json")).Delete();
        reload.Run();
        Assert.Equal((5, 4), Levels(settings));
    }

    [Fact]
    public void A_reload_with_a_broken_file_changes_nothing_and_names_it()
    {
        Write("10.json", """{ "Pool": { "MaxCopies": 5 } }""");
        var (settings, log) = (Read(), new ListLog<Reload>());
        using var listener = new Listener();
        using var reload = new Reload(settings, listener.Manager, new ManualTimeProvider(), log);
        Write("20.json", """{ "Pool": { "MaxCopies": 6 """);
        reload.Run();
        Assert.Equal((5, 4), Levels(settings));
        Assert.Contains("20.json: is not JSON", Assert.Single(log.Lines), StringComparison.Ordinal);
    }

    private static (int MaxCopies, int Workers) Levels(StorageHost.Hosting.Settings settings) =>
        settings.Sections.Select(section => section.Options).OfType<PoolOptions>().Single() is var pool ? (pool.MaxCopies, pool.Workers) : default;

    private StorageHost.Hosting.Settings Read() => new([Shipped, new SettingsFolder(scratch.File("conf.d")), Environment]);

    private void Write(string name, string text)
    {
        Directory.CreateDirectory(scratch.File("conf.d"));
        File.WriteAllText(scratch.File($"conf.d/{name}"), text);
    }
}
