using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using StorageHost.Files.Session;
using StorageHost.Hosting;
using StorageHost.Images.Disks;
using StorageHost.Images.Pools;
using StorageHost.Qemu;
using Xunit;

namespace StorageHost.Tests.Hosting;

public sealed class SettingsTests
{
    private static readonly Dictionary<string, string?> Sound = new(StringComparer.Ordinal) { ["Storage:Directory"] = "/srv/images" };

    [Fact]
    public void The_defaults_are_sound_once_the_directory_is_given() => Assert.Empty(Faults([]));

    [Fact]
    public void The_directory_must_be_given() =>
        Assert.Equal("Storage:Directory: is required: the directory that holds the images", Assert.Single(Faults([("Storage:Directory", "")])));

    [Theory]
    [InlineData("Storage:Id", "a b", "must be 1 to 100")]
    [InlineData("Storage:Directory", "images", "must be an absolute path")]
    [InlineData("Storage:TemplateSuffix", ".qcow2", "must begin with")]
    [InlineData("Storage:ReservePercent", "91", "must be 0 to 90")]
    [InlineData("Storage:ReservePercent", "-1", "must be 0 to 90")]
    [InlineData("Storage:OperationTimeout", "0:06:00", "must be 00:00:00.1 to 00:05:00")]
    [InlineData("Storage:TransferTimeout", "00:00:00", "must be 00:00:00.1 to 01:00:00")]
    [InlineData("Storage:RescanInterval", "2:00:00", "must be 00:00:00.1 to 01:00:00")]
    [InlineData("Storage:Threads", "3", "must be 4 to 256")]
    [InlineData("Storage:Threads", "many", "'many' is not a whole number")]
    [InlineData("Storage:OperationTimeout", "soon", "'soon' is not a time such as 00:00:10")]
    [InlineData("Storage:Dirctory", "/srv", "there is no such setting; did you mean Storage:Directory?")]
    [InlineData("Storage:Folder", "/srv", "there is no such setting; there are Id, Directory,")]
    [InlineData("Pool:MaxCopies", "1001", "must be 0 to 1000")]
    [InlineData("Pool:Workers", "1", "must be 2 to 16")]
    [InlineData("Pool:MaxWaiting", "0", "must be 1 to 100000")]
    [InlineData("Pool:WaitTimeout", "0:00:00.5", "must be 00:00:01 to 1.00:00:00")]
    [InlineData("Pool:MaxBytesPerSecond", "1000", "must be 0 (no limit) or at least 1048576 (bytes a second)")]
    [InlineData("Pool:Verify", "perhaps", "'perhaps' is not true or false")]
    [InlineData("Disks:MaxSizeGb", "65537", "must be 1 to 65536 (GiB)")]
    [InlineData("Disks:MaxSizeGb", "99999999999", "'99999999999' is not a whole number")]
    [InlineData("Disks:Mode", "0680", "must be an octal mode")]
    [InlineData("Disks:Mode", "4755", "must be an octal mode")]
    [InlineData("Disks:Owner", "-2", "must be a numeric user id")]
    [InlineData("Disks:Group", "kvm", "'kvm' is not a whole number")]
    [InlineData("Import:AllowedHosts", "images.lan, ftp://a", "must be names or addresses of hosts")]
    [InlineData("Import:AllowedHosts", "images.lan:0", "must be names or addresses of hosts")]
    [InlineData("Import:UrlRetries", "101", "must be 0 to 100")]
    [InlineData("Import:Urls", "yes", "'yes' is not true or false")]
    [InlineData("Qemu:Path", "", "is required")]
    [InlineData("Qemu:Timeout", "00:11:00", "must be 00:00:01 to 00:10:00")]
    [InlineData("Qemu:MemoryLimitMb", "64", "must be 128 to 65536 (MiB)")]
    [InlineData("Security:AllowAnonymous", "yes", "'yes' is not true or false")]
    [InlineData("Security:SocketMode", "rw", "must be an octal mode")]
    [InlineData("Security:MaxConnections", "9", "must be 10 to 100000")]
    [InlineData("Security:TokensFile", "tokens", "must be an absolute path")]
    [InlineData("Security:AllowAll", "true", "there is no such setting")]
    [InlineData("Serilog:MinimumLevel:Default", "Loud", "'Loud' is not one of Verbose, Debug, Information, Warning, Error, Fatal")]
    [InlineData("Urls", "http://0.0.0.0:33833", "can be reached by others")]
    public void A_fault_names_its_key_and_what_would_be_right(string key, string value, string message)
    {
        var fault = Assert.Single(Faults([(key, value)]));
        Assert.StartsWith($"{key}: ", fault, StringComparison.Ordinal);
        Assert.Contains(message, fault, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Security:TokensFile", "0")]
    [InlineData("Security:TokensFile", "Path")]
    [InlineData("Pool:MaxCopies", "0")]
    public void A_list_or_a_section_where_one_value_belongs_does_not_pass_for_none(string key, string below) =>
        Assert.Equal($"{key}: takes one value, neither a list nor a section", Assert.Single(Faults([($"{key}:{below}", "/etc/tokens")])));

    [Fact]
    public void Every_fault_of_every_section_is_listed_at_once()
    {
        var faults = Faults(
        [
            ("Storage:Directory", ""), ("Storage:Threads", "many"), ("Storage:ReservePercent", "91"), ("Storage:Extra", "1"), ("Pool:Workers", "0"), ("Pool:MaxCopies", "x"),
            ("Disks:Mode", "rw"), ("Qemu:Path", ""), ("Security:Open", "true"), ("Urls", "http://*:80;nonsense"),
        ]);
        Assert.Equal(11, faults.Count);
    }

    [Fact]
    public void Values_are_read_whatever_the_case_of_their_keys_and_the_culture()
    {
        var reader = new SectionReader(Configuration([("storage:DIRECTORY", "/srv/images"), ("Storage:OperationTimeout", "00:00:02.5"), ("Storage:reservepercent", "7")]));
        var options = reader.Read("Storage", new StorageRules());
        Assert.Empty(reader.Faults);
        Assert.Equal(("/srv/images", TimeSpan.FromSeconds(2.5), 7, "internal"), (options.Directory, options.OperationTimeout, options.ReservePercent, options.Id));
    }

    [Fact]
    public void What_was_read_is_what_the_parts_are_given()
    {
        var builder = Builder([("Pool:MaxCopies", "3"), ("Disks:Mode", "0660"), ("Qemu:MemoryLimitMb", "256")]);
        Assert.Empty(builder.AddSettings().Faults);
        using var services = builder.Services.BuildServiceProvider();
        Assert.Equal(
            ("/srv/images", 3, "0660", 256),
            (services.GetRequiredService<IOptions<StorageOptions>>().Value.Directory, services.GetRequiredService<IOptions<PoolOptions>>().Value.MaxCopies,
                services.GetRequiredService<IOptions<DisksOptions>>().Value.Mode, services.GetRequiredService<IOptions<QemuOptions>>().Value.MemoryLimitMb));
    }

    [Fact]
    public void The_file_that_is_shipped_needs_nothing_but_the_directory()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddJsonFile(Path.Combine(AppContext.BaseDirectory, "appsettings.json"), optional: false);
        Assert.StartsWith("Storage:Directory: ", Assert.Single(builder.AddSettings().Faults), StringComparison.Ordinal);
        builder.Configuration.AddInMemoryCollection(Sound);
        Assert.Empty(builder.AddSettings().Faults);
        Assert.Equal("http://127.0.0.1:33833", builder.Configuration["Urls"]);
    }

    private static IReadOnlyList<string> Faults((string Key, string Value)[] values) => Builder(values).AddSettings().Faults;

    private static WebApplicationBuilder Builder((string Key, string Value)[] values)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddInMemoryCollection(Sound).AddInMemoryCollection(values.ToDictionary(value => value.Key, value => (string?)value.Value, StringComparer.Ordinal));
        return builder;
    }

    private static IConfigurationRoot Configuration((string Key, string Value)[] values) =>
        new ConfigurationBuilder().AddInMemoryCollection(values.ToDictionary(value => value.Key, value => (string?)value.Value, StringComparer.Ordinal)).Build();
}
