using System.Text.Json;
using Microsoft.Extensions.Configuration.Json;
using Microsoft.Extensions.FileProviders;
using Serilog;
using Serilog.Events;
using StorageHost.Hosting;
using StorageHost.Hosting.Logging;
using StorageHost.Images.Pools;
using StorageHost.Tests.Hosting.Systemd;
using StorageHost.Tests.Processes;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Hosting;

public sealed class ReloadTests : IDisposable
{
    private readonly Scratch scratch = new();
    private readonly Listener listener = new();
    private readonly ListLog<Reload> log = new();
    private readonly Settings settings;
    private readonly Reload reload;

    public ReloadTests()
    {
        Write(new { Storage = new { Directory = "/srv/images" }, Pool = new { MaxCopies = 5 }, Serilog = new { MinimumLevel = new { Default = "Information" } } });
        settings = new Settings([new JsonConfigurationSource { Path = "settings.json", FileProvider = new PhysicalFileProvider(Path.GetDirectoryName(scratch.File("settings.json"))!) }]);
        Assert.Empty(settings.Faults);
        reload = new Reload(settings, listener.Manager, new ManualTimeProvider(), log);
    }

    private PoolOptions Pool => settings.Sections.Select(section => section.Options).OfType<PoolOptions>().Single();

    public void Dispose()
    {
        reload.Dispose();
        listener.Dispose();
        scratch.Dispose();
    }

    [Fact]
    public void What_may_change_is_in_force_at_once_and_is_told()
    {
        Write(new { Storage = new { Directory = "/srv/images", ReservePercent = 7 }, Pool = new { MaxCopies = 6, WaitTimeout = "00:01:00" }, Serilog = new { MinimumLevel = new { Default = "Information" } } });
        reload.Run();
        Assert.Equal((6, TimeSpan.FromMinutes(1)), (Pool.MaxCopies, Pool.WaitTimeout));
        Assert.Equal(
            ["Information: Pool:MaxCopies has changed and is in force", "Information: Pool:WaitTimeout has changed and is in force", "Information: Storage:ReservePercent has changed and is in force"],
            log.Lines.Order(StringComparer.Ordinal),
            StringComparer.Ordinal);
    }

    [Fact]
    public void A_setting_that_is_gone_has_its_default_again()
    {
        Write(new { Storage = new { Directory = "/srv/images" }, Serilog = new { MinimumLevel = new { Default = "Information" } } });
        reload.Run();
        Assert.Equal(new PoolOptions().MaxCopies, Pool.MaxCopies);
    }

    [Fact]
    public void What_needs_a_restart_stays_and_is_told_every_time()
    {
        Write(new { Urls = "http://127.0.0.1:1", Storage = new { Directory = "/srv/other" }, Pool = new { MaxCopies = 6 }, Serilog = new { MinimumLevel = new { Default = "Information" } } });
        reload.Run();
        reload.Run();
        Assert.Contains("Storage:Directory=/srv/images", settings.Lines, StringComparer.Ordinal);
        Assert.Equal(6, Pool.MaxCopies);
        Assert.Equal(2, log.Lines.Count(line => line == "Warning: Storage:Directory has changed; restart the daemon to apply it"));
        Assert.Equal(2, log.Lines.Count(line => line.StartsWith("Warning: Urls ", StringComparison.Ordinal)));
        Assert.Single(log.Lines, line => line.Contains("Pool:MaxCopies", StringComparison.Ordinal));
    }

    [Fact]
    public void With_faults_everything_stays_and_each_is_told()
    {
        Write(new { Storage = new { Directory = "/srv/images", ReservePercent = 99 }, Pool = new { MaxCopies = 6, Workers = "many" }, Serilog = new { MinimumLevel = new { Default = "Loud" } } });
        reload.Run();
        Assert.Equal(5, Pool.MaxCopies);
        Assert.All(log.Lines, line => Assert.StartsWith("Error: Keeping the previous settings; the new ones are invalid: ", line, StringComparison.Ordinal));
        Assert.All(["Storage:ReservePercent", "Pool:Workers", "Serilog:MinimumLevel:Default"], key => Assert.Single(log.Lines, line => line.Contains(key, StringComparison.Ordinal)));
    }

    [Fact]
    public void A_file_that_is_not_JSON_changes_nothing()
    {
        File.WriteAllText(scratch.File("settings.json"), "{ \"Pool\": { \"MaxCopies\": 6, }");
        reload.Run();
        Assert.Equal(5, Pool.MaxCopies);
        Assert.Contains("settings.json", Assert.Single(log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void The_service_manager_hears_of_it_whatever_comes_out()
    {
        File.WriteAllText(scratch.File("settings.json"), "nonsense");
        reload.Run();
        Assert.StartsWith("RELOADING=1\nMONOTONIC_USEC=", listener.Hear(), StringComparison.Ordinal);
        Assert.Equal("READY=1", listener.Hear());
    }

    [Fact]
    public void That_nothing_has_changed_is_told()
    {
        reload.Run();
        Assert.Equal("Information: The settings were read again: none has changed", Assert.Single(log.Lines));
    }

    [Fact]
    public void Levels_of_the_log_change_while_it_is_written()
    {
        using var serilog = new LoggerConfiguration().ReadFrom.Configuration(LogSettings.Others(settings.Configuration)).CreateLogger();
        Assert.False(serilog.IsEnabled(LogEventLevel.Debug));
        Write(new { Storage = new { Directory = "/srv/images" }, Pool = new { MaxCopies = 5 }, Serilog = new { MinimumLevel = new { Default = "Debug" } } });
        reload.Run();
        Assert.True(serilog.IsEnabled(LogEventLevel.Debug));
        Assert.Equal("Information: Serilog:MinimumLevel:Default has changed and is in force", Assert.Single(log.Lines));
    }

    [Fact]
    public void A_level_that_was_not_there_at_the_start_needs_a_restart()
    {
        Write(new { Storage = new { Directory = "/srv/images" }, Pool = new { MaxCopies = 5 }, Serilog = new { MinimumLevel = new { Default = "Information", Override = new { Polly = "Debug" } } } });
        reload.Run();
        Assert.StartsWith("Warning: Serilog:MinimumLevel:Override:Polly ", Assert.Single(log.Lines), StringComparison.Ordinal);
    }

    private void Write(object content) => File.WriteAllText(scratch.File("settings.json"), JsonSerializer.Serialize(content));
}
