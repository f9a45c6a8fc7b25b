using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using StorageHost.Api;
using StorageHost.ImageStorages;
using Xunit;

namespace StorageHost.Tests.ImageStorages;

/// <summary>The owner's JSON examples, one file for each object: they are the contract.</summary>
public sealed class SeedTests
{
    private static readonly Type[] Objects =
    [
        typeof(ImageStorageInfo), typeof(VolumeInfo), typeof(ExternalVolumeInfo), typeof(GlusterVolumeInfo), typeof(ImageInfo), typeof(CloneInfo), typeof(PhysicalDiskInfo),
    ];

    private static readonly JsonSerializerOptions Json = Options();

    public static TheoryData<string> Names => [.. Objects.Select(type => type.Name)];

    [Theory, MemberData(nameof(Names))]
    public void Every_example_parses_and_comes_out_with_nothing_lost(string name)
    {
        var type = Objects.Single(type => type.Name == name);
        var example = Example(name);

        var parsed = JsonSerializer.Deserialize(example.ToJsonString(), type, Json);
        var written = JsonNode.Parse(JsonSerializer.Serialize(parsed, type, Json));

        AssertHolds(written, example, name, values: true);
    }

    [Fact]
    public void What_the_service_answers_has_every_member_of_the_example_with_its_type()
    {
        var image = new IndexedImage("web01.qcow2", "web01", "web01", 1 << 30, "centos");
        var known = new Known
        {
            Cluster = Known.ClusterOf(Known.Volume()),
            Disks = Known.Fresh<IReadOnlyList<PhysicalDisk>>([Known.Disk("3500", "/dev/sdb", "8:16")]),
            Directories =
            {
                ("local", Known.Fresh(Known.Directory("xfs", "/dev/sdb", "8:16", "/a", image))),
                ("nfs", Known.Fresh(Known.Directory("nfs4", "filer:/export", "0:51", "/b", image))),
            },
        };

        var written = JsonNode.Parse(JsonSerializer.Serialize(known.Get(), Json));

        AssertHolds(written, Example(nameof(ImageStorageInfo)), "answer", values: false);
        Assert.Equal(Example(nameof(VolumeInfo)).AsObject().Select(member => member.Key).Order(StringComparer.Ordinal),
            written!["volumes"]![0]!.AsObject().Select(member => member.Key).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_four_states_are_the_owners_words() => Assert.Equal(
        ["\"ok\"", "\"unknown\"", "\"degraded\"", "\"broken\""],
        Enum.GetValues<VolumeStatus>().Select(status => JsonSerializer.Serialize(status, Json)).ToArray());

    // Every member of the example is there, of the same kind, in arrays for each element, and with the same value where that is asked.
    private static void AssertHolds(JsonNode? written, JsonNode? example, string at, bool values)
    {
        Assert.True(written?.GetValueKind() == example?.GetValueKind(), $"{at}: {written?.GetValueKind()} in place of {example?.GetValueKind()}");
        switch (example)
        {
            case JsonObject members:
                foreach (var (name, value) in members)
                {
                    Assert.True(written!.AsObject().ContainsKey(name), $"{at} has no {name}");
                    AssertHolds(written[name], value, $"{at}.{name}", values);
                }

                break;
            case JsonArray elements when values:
                Assert.Equal(elements.Count, written!.AsArray().Count);
                for (var position = 0; position < elements.Count; position++)
                {
                    AssertHolds(written[position], elements[position], $"{at}[{position}]", values);
                }

                break;
            case JsonArray { Count: > 0 } elements:
                Assert.NotEmpty(written!.AsArray());
                AssertHolds(written[0], elements[0], $"{at}[0]", values);
                break;
            default:
                Assert.True(!values || JsonNode.DeepEquals(written, example), $"{at}: {written} in place of {example}");
                break;
        }
    }

    private static JsonNode Example(string name, [CallerFilePath] string here = "") =>
        JsonNode.Parse(File.ReadAllText(Path.Combine(Path.GetDirectoryName(here)!, "Seed", $"{name}.json")))!;

    private static JsonSerializerOptions Options()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web);
        ApiJson.Configure(options);
        return options;
    }
}
