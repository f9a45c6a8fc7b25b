using Microsoft.Extensions.Configuration;
using StorageHost.Hosting;
using Xunit;

namespace StorageHost.Tests.Hosting;

[Collection(nameof(Console))]
public sealed class CommandLineTests
{
    [Theory]
    [InlineData("--help", "usage: storagehost [serve] [SETTING]...")]
    [InlineData("-h", "usage: storagehost [serve] [SETTING]...")]
    [InlineData("--version", "storagehost 0.")]
    [InlineData("token --help", "usage: storagehost [serve] [SETTING]...")]
    [InlineData("token add -h", "usage: storagehost [serve] [SETTING]...")]
    public void What_needs_no_settings_is_answered(string words, string answer)
    {
        var (said, errors) = Heard(() => Assert.Equal(ExitCodes.Ok, CommandLine.Read(words.Split(' ')).Answer));
        Assert.StartsWith(answer, said, StringComparison.Ordinal);
        Assert.Equal("", errors);
    }

    [Fact]
    public void Help_tells_of_the_commands_for_tokens() => Assert.All(
        ["token add NAME SCOPES", "token list", "token remove NAME", "--check-config"],
        words => Assert.Contains(words, Heard(() => CommandLine.Read(["--help"])).Said, StringComparison.Ordinal));

    [Theory]
    [InlineData("there is no option '--chekc-config'; did you mean --check-config?", "--chekc-config", "--Storage:Directory=/srv")]
    [InlineData("there is no option '--check-confg'; did you mean --check-config?", "--check-confg")]
    [InlineData("there is no option '-check-config'; did you mean --check-config?", "-check-config")]
    [InlineData("there is no option '--verison'; did you mean --version?", "--verison")]
    [InlineData("there is no option '--frobnicate'; the options are --check-config, --help, --version", "--frobnicate", "/srv")]
    [InlineData("there is no option '--Directory'; did you mean --Storage:Directory=VALUE?", "--Directory", "/srv")]
    [InlineData("there is no option '--Ulrs'; did you mean --Urls=VALUE or --Import:Urls=VALUE?", "--Ulrs", "http://127.0.0.1:1")]
    [InlineData("there is no option '-x'", "-x")]
    [InlineData("there is no command 'check-config'; did you mean --check-config?", "check-config")]
    [InlineData("there is no command 'help'; did you mean --help?", "help")]
    [InlineData("token add needs NAME and SCOPES", "token", "add")]
    [InlineData("token add needs NAME and SCOPES", "token", "add", "web")]
    [InlineData("token remove needs NAME", "token", "remove", "--Security:TokensFile=/x")]
    [InlineData("there is no command 'frobnicate'; there is token, serve, template, pool, disk, job, volume, status, events, completion", "frobnicate")]
    [InlineData("there is no command 'templat'; did you mean template?", "templat", "list", "-o", "json")]
    [InlineData("there is no command 'sevre'; did you mean serve?", "sevre")]
    [InlineData("there is no command 'list' of serve", "serve", "list")]
    [InlineData("there is no command 'tokn'; did you mean token?", "tokn", "list")]
    [InlineData("there is no command '/srv/vms'", "/srv/vms")]
    [InlineData("there is no command '/srv/vms'", "--Storage:Id=x", "/srv/vms", "--check-config")]
    [InlineData("there is no command '@/etc/passwd'", "@/etc/passwd")]
    [InlineData("there is no command ''", "")]
    [InlineData("'Storage:Directory=/srv' is no setting; did you mean --Storage:Directory=/srv?", "Storage:Directory=/srv")]
    [InlineData("'-Storage:Directory=/srv' is no setting; did you mean --Storage:Directory=/srv?", "-Storage:Directory=/srv")]
    [InlineData("'/Storage:Directory=/srv' is no setting; did you mean --Storage:Directory=/srv?", "/Storage:Directory=/srv")]
    [InlineData("--Storage:Directory needs a value", "--Storage:Directory")]
    [InlineData("--Storage:Directory needs a value", "--Storage:Directory", "--check-config")]
    [InlineData("--Urls needs a value", "--Urls")]
    [InlineData("", "--check-config=true")]
    [InlineData("there is no option '--check-config'", "token", "list", "--check-config")]
    public void What_is_mistyped_is_refused_and_the_word_that_was_meant_is_named(string told, params string[] arguments)
    {
        var (said, errors) = Heard(() => Assert.Equal(64, CommandLine.Read(arguments).Answer));
        Assert.Equal("", said);
        Assert.StartsWith($"storagehost: {told}", errors, StringComparison.Ordinal);
        Assert.Contains("usage: storagehost", errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new string[0], new string[0])]
    [InlineData(new[] { "--Storage:Directory=/srv" }, new[] { "--Storage:Directory=/srv" })]
    [InlineData(new[] { "serve", "--Storage:Directory=/srv" }, new[] { "--Storage:Directory=/srv" })]
    [InlineData(new[] { "--Storage:Directory", "/srv" }, new[] { "--Storage:Directory=/srv" })]
    [InlineData(new[] { "--Storage:Directory", "-odd=name" }, new[] { "--Storage:Directory=-odd=name" })]
    [InlineData(new[] { "--Storage:VolumeId", "", "--Storage:VolumeId=" }, new[] { "--Storage:VolumeId=", "--Storage:VolumeId=" })]
    [InlineData(new[] { "--urls", "http://*:1", "--OTEL_SERVICE_NAME", "farm" }, new[] { "--urls=http://*:1", "--OTEL_SERVICE_NAME=farm" })]
    [InlineData(new[] { "--Securty:TokensFile=/x", "--Directory=/x" }, new[] { "--Securty:TokensFile=/x", "--Directory=/x" })]
    public void Settings_are_left_for_the_configuration(string[] arguments, string[] settings)
    {
        var line = CommandLine.Read(arguments);
        Assert.Equal((null, false, null), (line.Answer, line.IsCheck, line.Tokens));
        Assert.Equal(settings, line.Settings);
    }

    [Fact]
    public void The_order_to_check_is_no_setting_and_takes_none_away()
    {
        var line = CommandLine.Read(["--check-config", "--Storage:Directory", "/srv"]);
        Assert.True(line.IsCheck);
        var builder = SettingsSetup.CreateBuilder(line.Settings, out _)!;
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
        var sound = Settings("--Storage:Directory=/srv", "--Pool:MaxCopies=3", "--Storage:ExtraVolumes:backup=/mnt/backup");
        var lines = Heard(() => Assert.Equal(0, SettingsCheck.Show(sound))).Said.Split('\n');
        Assert.All(
            ["Urls=http://127.0.0.1:33833", "Storage:Directory=/srv", "Storage:VolumeId=srv", "Storage:ExtraVolumes:backup=/mnt/backup", "Storage:OperationTimeout=00:00:10", "Pool:MaxCopies=3",
                "Security:AllowAnonymous=False", "Serilog:MinimumLevel:Default=Information"],
            line => Assert.Contains(line, lines, StringComparer.Ordinal));
        Assert.Contains("Pool:MaxCopies=-3", Heard(() => Assert.Equal(78, SettingsCheck.Show(Settings("--Storage:Directory=/srv", "--Pool:MaxCopies=-3")))).Said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/nonexistent/vms", "", "/nonexistent/vms: there is no such directory")]
    [InlineData("/etc/passwd", "", "/etc/passwd: is not a directory")]
    [InlineData("/etc/passwd/vms", "", "/etc/passwd/vms: the storage answered ENOTDIR")]
    [InlineData("/proc", "fuse.glusterfs", "/proc: must lie on fuse.glusterfs, but lies on proc: the volume is not mounted")]
    public void A_check_looks_at_the_directory(string directory, string mount, string told)
    {
        var settings = Settings($"--Storage:Directory={directory}", $"--Storage:RequireMount={mount}");
        Assert.Contains($"  Storage:Directory: {told}\n", Heard(() => Assert.Equal(78, SettingsCheck.Show(settings))).Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Qemu:Path", "/nonexistent/qemu-img", "/nonexistent/qemu-img: there is no such program")]
    [InlineData("Gluster:Path", "/etc/passwd/gluster", "/etc/passwd/gluster: there is no such program")]
    [InlineData("Gluster:Path", "/etc", "/etc: is a directory, not a program")]
    public void A_check_looks_at_the_programs_that_have_a_path(string key, string path, string told)
    {
        var settings = Settings("--Storage:Directory=/srv", $"--{key}={path}");
        Assert.Contains($"  {key}: {told}\n", Heard(() => Assert.Equal(78, SettingsCheck.Show(settings))).Errors, StringComparison.Ordinal);
    }

    private static StorageHost.Hosting.Settings Settings(params string[] settings) => SettingsSetup.CreateBuilder(settings, out _)!.AddSettings();

    private static (string Said, string Errors) Heard(Action act)
    {
        var (output, error, said, errors) = (Console.Out, Console.Error, new StringWriter(), new StringWriter());
        Console.SetOut(said);
        Console.SetError(errors);
        try
        {
            act();
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(error);
        }

        return (said.ToString(), errors.ToString());
    }
}
