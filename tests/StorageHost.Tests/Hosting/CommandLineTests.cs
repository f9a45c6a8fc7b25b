using Microsoft.Extensions.Configuration;
using StorageHost.Hosting;
using Xunit;

namespace StorageHost.Tests.Hosting;

[Collection(nameof(Console))]
public sealed class CommandLineTests
{
    [Theory]
    [InlineData("--help", "usage: storagehost [SETTING]...")]
    [InlineData("-h", "usage: storagehost [SETTING]...")]
    [InlineData("--version", "storagehost 0.")]
    public void What_needs_no_settings_is_answered(string option, string answer) =>
        Assert.StartsWith(answer, Said(() => Assert.Equal(ExitCodes.Ok, CommandLine.Answer([option]))), StringComparison.Ordinal);

    [Fact]
    public void Settings_are_not_answered()
    {
        Assert.Null(CommandLine.Answer([]));
        Assert.Null(CommandLine.Answer(["--Storage:Directory=/srv"]));
        Assert.Null(CommandLine.Answer(["token", "list"]));
    }

    [Fact]
    public void The_order_to_check_is_no_setting_and_takes_none_away()
    {
        string[] arguments = ["--check-config", "--Storage:Directory", "/srv"];
        Assert.True(CommandLine.IsCheck(arguments));
        Assert.False(CommandLine.IsCheck(arguments[1..]));
        var builder = SettingsSetup.CreateBuilder(arguments, out _)!;
        Assert.Equal("/srv", builder.Configuration["Storage:Directory"]);
        Assert.DoesNotContain(builder.Configuration.AsEnumerable(), entry => entry.Key == "check-config");
    }

    /// <summary>Watching takes one of the few inotify instances that a user has, and a start without one would fail.</summary>
    [Fact]
    public void No_file_of_settings_is_watched()
    {
        var files = SettingsSetup.CreateBuilder(["--Storage:Directory=/srv"], out _)!.Configuration.Sources.OfType<FileConfigurationSource>().ToList();
        Assert.NotEmpty(files);
        Assert.All(files, file => Assert.False(file.ReloadOnChange));
    }

    [Fact]
    public void A_check_shows_what_would_be_in_force_and_fails_with_the_faults()
    {
        var sound = SettingsSetup.CreateBuilder(["--Storage:Directory=/srv", "--Pool:MaxCopies=3", "--Storage:ExtraVolumes:backup=/mnt/backup"], out _)!.AddSettings();
        var lines = Said(() => Assert.Equal(0, CommandLine.Check(sound))).Split('\n');
        Assert.All(
            ["Urls=http://127.0.0.1:33833", "Storage:Directory=/srv", "Storage:VolumeId=srv", "Storage:ExtraVolumes:backup=/mnt/backup", "Storage:OperationTimeout=00:00:10", "Pool:MaxCopies=3",
                "Security:AllowAnonymous=False", "Serilog:MinimumLevel:Default=Information"],
            line => Assert.Contains(line, lines, StringComparer.Ordinal));

        var faulty = SettingsSetup.CreateBuilder(["--Storage:Directory=/srv", "--Pool:MaxCopies=-3"], out _)!.AddSettings();
        Assert.Contains("Pool:MaxCopies=-3", Said(() => Assert.Equal(78, CommandLine.Check(faulty))), StringComparison.Ordinal);
    }

    private static string Said(Action act)
    {
        var (before, said) = (Console.Out, new StringWriter());
        Console.SetOut(said);
        try
        {
            act();
        }
        finally
        {
            Console.SetOut(before);
        }

        return said.ToString();
    }
}
