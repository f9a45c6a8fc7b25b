using Xunit;

namespace StorageHost.Tests.Api;

public sealed class OpenApiTests
{
    /// <summary>A change of the interface shows in the approved file; UPDATE_APPROVED=1 rewrites it for the reviewer.</summary>
    [Fact]
    public async Task The_document_is_the_approved_one()
    {
        await using var api = await TestApi.StartAsync();
        var document = (await api.Client.GetStringAsync("/swagger/v1/swagger.json")).ReplaceLineEndings("\n") + "\n";
        var approved = Path.Combine(SourceDirectory(), "Approved", "openapi.json");
        if (Environment.GetEnvironmentVariable("UPDATE_APPROVED") is "1")
        {
            await File.WriteAllTextAsync(approved, document);
        }

        Assert.Equal(await File.ReadAllTextAsync(approved), document);
    }

    private static string SourceDirectory()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory.GetFiles("StorageHost.Tests.csproj").Length == 0)
        {
            directory = directory.Parent ?? throw new DirectoryNotFoundException("The sources of the tests are not above their binaries.");
        }

        return directory.FullName;
    }
}
