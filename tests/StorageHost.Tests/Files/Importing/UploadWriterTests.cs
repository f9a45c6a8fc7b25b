using StorageHost.Files.Importing;
using Xunit;

namespace StorageHost.Tests.Files.Importing;

public sealed class UploadWriterTests : IDisposable
{
    private readonly Store store = new();

    public void Dispose() => store.Dispose();

    [Fact]
    public void Two_machines_of_one_name_are_two_writers_and_so_are_two_mounts_of_one_machine()
    {
        store.Write("one", "0123456789abcdef0123456789abcdef\n"u8);
        store.Write("other", "fedcba9876543210fedcba9876543210\n"u8);

        var writer = UploadWriter.Of("/srv/vms", store["one"]);

        Assert.Equal($"{Environment.MachineName}:0123456789abcdef0123456789abcdef:/srv/vms", writer);
        Assert.NotEqual(writer, UploadWriter.Of("/srv/vms", store["other"]), StringComparer.Ordinal);
        Assert.NotEqual(writer, UploadWriter.Of("/srv/old", store["one"]), StringComparer.Ordinal);
        Assert.Equal(Environment.MachineName, UploadWriter.NodeOf(writer));
    }

    [Fact]
    public void Without_a_machine_id_the_name_must_do() =>
        Assert.Equal($"{Environment.MachineName}::/srv/vms", UploadWriter.Of("/srv/vms", store["none"]));
}
