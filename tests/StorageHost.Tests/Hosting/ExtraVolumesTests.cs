using Microsoft.Extensions.Configuration;
using StorageHost.Files.Session;
using StorageHost.Hosting;
using Xunit;

namespace StorageHost.Tests.Hosting;

public sealed class ExtraVolumesTests
{
    [Fact]
    public void They_are_read_by_their_names()
    {
        var (options, faults) = Read(("ExtraVolumes:ssd", "/mnt/ssd"), ("ExtraVolumes:nas.2", "/mnt/nas 2"));
        Assert.Empty(faults);
        Assert.Equal(new Dictionary<string, string>(StringComparer.Ordinal) { ["ssd"] = "/mnt/ssd", ["nas.2"] = "/mnt/nas 2" }, options.ExtraVolumes);
    }

    [Theory]
    [InlineData("/home/flexvdi", "home_flexvdi")]
    [InlineData("/srv/vm images/", "srv_vm_images")]
    [InlineData("/.hidden/a-b.c", "hidden_a-b.c")]
    [InlineData("/", "images")]
    public void The_served_directory_is_called_after_its_path(string directory, string id)
    {
        var (options, faults) = Read(("Directory", directory));
        Assert.Empty(faults);
        Assert.Equal(id, options.VolumeId);
        Assert.Equal("main", Read(("Directory", directory), ("VolumeId", "main")).Options.VolumeId);
    }

    [Theory]
    [InlineData("Storage:ExtraVolumes:a b: the name must be", "ExtraVolumes:a b", "/x")]
    [InlineData("Storage:ExtraVolumes:srv_images: the name is that of the served directory", "ExtraVolumes:srv_images", "/x")]
    [InlineData("Storage:ExtraVolumes:a: must be an absolute path", "ExtraVolumes:a", "x")]
    [InlineData("Storage:ExtraVolumes:a: must be an absolute path", "ExtraVolumes:a", "")]
    [InlineData("Storage:ExtraVolumes:a: is the served directory", "ExtraVolumes:a", "/srv/./images/")]
    [InlineData("Storage:ExtraVolumes:a: must be a text", "ExtraVolumes:a:b", "/x")]
    [InlineData("Storage:ExtraVolumes: must hold one key for each name", "ExtraVolumes", "/x")]
    [InlineData("Storage:VolumeId: must be 1 to 100", "VolumeId", "a/b")]
    [InlineData("Storage:IndexInterval: must be", "IndexInterval", "00:00:00")]
    public void Each_fault_is_told_with_its_key(string fault, string key, string value) =>
        Assert.Contains(Read((key, value)).Faults, found => found.StartsWith(fault, StringComparison.Ordinal));

    [Fact]
    public void Two_names_for_one_directory_are_a_fault() =>
        Assert.Equal(
            ["Storage:ExtraVolumes:a: is the directory of another volume as well", "Storage:ExtraVolumes:b: is the directory of another volume as well"],
            Read(("ExtraVolumes:a", "/x/y"), ("ExtraVolumes:b", "/x//y/")).Faults);

    private static (StorageOptions Options, IReadOnlyList<string> Faults) Read(params (string Key, string Value)[] values)
    {
        var pairs = values.Select(value => KeyValuePair.Create($"Storage:{value.Key}", (string?)value.Value)).ToList();
        if (!values.Any(value => value.Key == "Directory"))
        {
            pairs.Add(KeyValuePair.Create("Storage:Directory", (string?)"/srv/images"));
        }

        var reader = new SectionReader(new ConfigurationBuilder().AddInMemoryCollection(pairs).Build());
        return (reader.Read("Storage", new StorageRules()), reader.Faults);
    }
}
