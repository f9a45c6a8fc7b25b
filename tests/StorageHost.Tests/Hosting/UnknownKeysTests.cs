using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.CommandLine;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Configuration.Json;
using Microsoft.Extensions.Configuration.Memory;
using Xunit;

namespace StorageHost.Tests.Hosting;

public sealed class UnknownKeysTests : IDisposable
{
    /// <summary>Its variables are read without it, so that nothing else of the test's own environment comes in.</summary>
    private const string Prefix = "UNKNOWN_KEYS_TEST_";

    private static readonly MemoryConfigurationSource Sound = new() { InitialData = [KeyValuePair.Create("Storage:Directory", (string?)"/srv/images")] };

    private readonly List<string> variables = [];

    public void Dispose() => variables.ForEach(name => Environment.SetEnvironmentVariable(name, null));

    [Theory]
    [InlineData("Securty:TokensFile", "there is no such setting; did you mean Security:TokensFile?")]
    [InlineData("Storge:Directory", "there is no such setting; did you mean Storage:Directory?")]
    [InlineData("storgae:directory", "there is no such setting; did you mean Storage:Directory?")]
    [InlineData("Storge:ExtraVolumes:backup", "there is no such setting; did you mean Storage:ExtraVolumes?")]
    [InlineData("Directory", "there is no such setting; did you mean Storage:Directory?")]
    [InlineData("TokensFile", "there is no such setting; did you mean Security:TokensFile?")]
    [InlineData("Timeout", "there is no such setting; did you mean Qemu:Timeout or Gluster:Timeout?")]
    [InlineData("Ulrs", "there is no such setting; did you mean Urls or Import:Urls?")]
    [InlineData("Security", "is a section: its settings are Security:<name>")]
    [InlineData("Securty:Everything", "there is no section Securty; did you mean Security?")]
    [InlineData("Serlog:MinimumLevel:Default", "there is no section Serlog; did you mean Serilog?")]
    [InlineData("Frontend:Colour", "there is no section Frontend; there are Storage, Pool,")]
    [InlineData("Frontend", "there is no such setting; the sections are Storage, Pool,")]
    public void Outside_of_every_section_it_is_a_fault_that_names_what_was_meant(string key, string right)
    {
        string[] faults = [.. Faults(new CommandLineConfigurationSource { Args = [$"--{key}=/x"] }), .. Faults(Json(key, "/x"))];
        Assert.Equal(2, faults.Length);
        Assert.All(faults, fault => Assert.StartsWith($"{key}: {right}", fault, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Urls", "http://127.0.0.1:1")]
    [InlineData("URLS", "http://127.0.0.1:1")]
    [InlineData("Kestrel:Limits:MaxConcurrentConnections", "100")]
    [InlineData("Serilog:WriteTo:0:Name", "Console")]
    [InlineData("Logging:LogLevel:Default", "Warning")]
    [InlineData("OTEL_SERVICE_NAME", "farm")]
    [InlineData("AllowedHosts", "*")]
    [InlineData("environment", "Production")]
    [InlineData("hostBuilder:reloadConfigOnChange", "false")]
    [InlineData("$schema", "x")]
    public void What_the_libraries_read_is_known(string key, string value) =>
        Assert.Empty(Faults(new CommandLineConfigurationSource { Args = [$"--{key}={value}"] }).Concat(Faults(Json(key, value))));

    [Theory]
    [InlineData("Securty__TokensFile", "Securty:TokensFile: there is no such setting; did you mean Security:TokensFile?")]
    [InlineData("STORGE__DIRECTORY", "STORGE:DIRECTORY: there is no such setting; did you mean Storage:Directory?")]
    [InlineData("Disk__Mode", "Disk:Mode: there is no such setting; did you mean Disks:Mode?")]
    [InlineData("Security", "Security: is a section: its settings are Security:<name>")]
    public void A_variable_that_is_meant_for_us_is_a_fault(string name, string fault) => Assert.Equal([fault], Faults(Variables((name, "/x"))));

    /// <summary>The environment of a process is full of what others put there.</summary>
    [Theory]
    [InlineData("PATH")]
    [InlineData("DIRECTORY")]
    [InlineData("STORAGE")]
    [InlineData("TIMEOUT")]
    [InlineData("INVOCATION_ID")]
    [InlineData("NOTIFY_SOCKET")]
    [InlineData("CUSTOMCONNSTR_Main")]
    [InlineData("__CF_USER_TEXT_ENCODING")]
    [InlineData("__KMP_REGISTERED_LIB_1")]
    [InlineData("TOOL__HOME")]
    [InlineData("Gitlab__Runner__Token")]
    [InlineData("_")]
    public void The_variables_of_others_are_none_of_ours(string name) => Assert.Empty(Faults(Variables((name, "/x"))));

    [Fact]
    public void A_setting_that_is_not_there_is_told_with_the_one_that_was_meant()
    {
        Assert.Equal(["Storage:Dirctory: there is no such setting; did you mean Storage:Directory?"], Faults(Json("Storage:Dirctory", "/x")));
        Assert.StartsWith("Pool:Colour: there is no such setting; there are MaxCopies, ", Assert.Single(Faults(Json("Pool:Colour", "red"))), StringComparison.Ordinal);
    }

    private static IReadOnlyList<string> Faults(IConfigurationSource source) => new StorageHost.Hosting.Settings([Sound, source]).Faults;

    private static JsonStreamConfigurationSource Json(string key, string value) =>
        new() { Stream = new MemoryStream(Encoding.UTF8.GetBytes($$"""{ "{{key}}": "{{value}}" }""")) };

    private EnvironmentVariablesConfigurationSource Variables(params (string Name, string Value)[] values)
    {
        foreach (var (name, value) in values)
        {
            variables.Add(Prefix + name);
            Environment.SetEnvironmentVariable(Prefix + name, value);
        }

        return new EnvironmentVariablesConfigurationSource { Prefix = Prefix };
    }
}
