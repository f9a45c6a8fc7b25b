using System.Net.Http.Json;
using Moq;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;
using StorageHost.Tests.Images;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Api;

public sealed class UploadEndpointsTests : IAsyncLifetime
{
    private readonly Core core = new();
    private UploadStatus? stored;

    public UploadEndpointsTests()
    {
        core.Space = new VolumeSpace(1L << 40, 1L << 39);
        core.Uploads.Setup(store => store.ListAsync(It.IsAny<CancellationToken>())).ReturnsAsync(() => stored is null ? [] : [stored]);
        core.Uploads.Setup(store => store.CreateAsync(It.IsAny<Upload>(), It.IsAny<CancellationToken>()))
            .ReturnsAsync((Upload upload, CancellationToken _) => stored = new UploadStatus(upload, 0, ManualTimeProvider.Start));
        core.Uploads.Setup(store => store.FindAsync(It.IsAny<UploadId>(), It.IsAny<CancellationToken>())).ReturnsAsync(() => stored!);
        core.Uploads.Setup(store => store.OpenAsync(It.IsAny<UploadId>(), It.IsAny<CancellationToken>())).ReturnsAsync(() =>
        {
            var open = new Mock<IOpenUpload>();
            open.Setup(upload => upload.Status).Returns(() => stored!);
            open.Setup(upload => upload.AppendAsync(It.IsAny<Stream>(), It.IsAny<Func<long, ValueTask>>(), It.IsAny<CancellationToken>(), It.IsAny<CancellationToken>()))
                .Returns(async (Stream content, Func<long, ValueTask> _, CancellationToken cancellationToken, CancellationToken _) =>
                {
                    using var all = new MemoryStream();
                    await content.CopyToAsync(all, cancellationToken);
                    stored = stored! with { Offset = stored.Offset + all.Length };
                });
            open.Setup(upload => upload.PublishAsync(It.IsAny<Func<ImportProgress, ValueTask>>(), It.IsAny<Func<Task>>(), It.IsAny<CancellationToken>())).ReturnsAsync(
                () => new TemplateDetails(Sample.Template(Sample.Debian), new ImageHeader(ImageFormat.Raw, 2048, null, null), new TemplateRecord("upload", ManualTimeProvider.Start, "ab12")));
            return open.Object;
        });
        core.Uploads.Setup(store => store.RemoveAsync(It.IsAny<UploadId>(), It.IsAny<CancellationToken>())).ReturnsAsync(true);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await core.DisposeAsync();

    [Fact]
    public async Task An_upload_is_begun_continued_and_answered_with_the_template()
    {
        await using var api = await TestApi.StartAsync(templates: core);
        using var begun = await api.Client.PostAsJsonAsync("/uploads", new { Image = "debian12", size_bytes = 10, Format = "RAW", replace = false });
        var address = begun.Headers.Location!.ToString();
        Assert.Equal((201, $"/uploads/{stored!.Upload.Id}", "0", "10"), ((int)begun.StatusCode, address, Header(begun, "Upload-Offset"), Header(begun, "Upload-Length")));
        Assert.Equal((Sample.Debian, 10L, ImageFormat.Raw, false), (stored.Upload.Image, stored.Upload.Length, stored.Upload.Format, stored.Upload.Replace));

        using var half = await PatchAsync(api, address, "0", 4);
        Assert.Equal((200, "4"), ((int)half.StatusCode, Header(half, "Upload-Offset")));
        Assert.Contains($"\"id\":\"{stored.Upload.Id}\",\"image\":\"debian12\",\"size_bytes\":10,\"offset\":4,", await half.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var head = await api.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, address));
        Assert.Equal((200, "4", "10", "no-store"), ((int)head.StatusCode, Header(head, "Upload-Offset"), Header(head, "Upload-Length"), Header(head, "Cache-Control")));
        Assert.Contains("\"offset\":4,", await api.Client.GetStringAsync(address), StringComparison.Ordinal);
        Assert.StartsWith("{\"uploads\":[{\"id\":", await api.Client.GetStringAsync("/uploads"), StringComparison.Ordinal);

        using var wrong = await PatchAsync(api, address, "3", 1);
        Assert.Equal((409, "4"), ((int)wrong.StatusCode, Header(wrong, "Upload-Offset")));
        Assert.Contains("\"code\":\"upload_conflict\"", await wrong.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var done = await PatchAsync(api, address, "4", 6);
        Assert.Equal((200, "10"), ((int)done.StatusCode, Header(done, "Upload-Offset")));
        Assert.StartsWith("{\"image\":\"debian12\",\"format\":\"raw\"", await done.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        await api.LineAsync($"asked for continue upload {stored.Upload.Id} at 4: 200");
    }

    [Fact]
    public async Task An_upload_is_cancelled()
    {
        await using var api = await TestApi.StartAsync(templates: core);
        using var begun = await api.Client.PostAsJsonAsync("/uploads", new { image = "debian12", size_bytes = 10 });
        using var gone = await api.Client.DeleteAsync(begun.Headers.Location);
        Assert.Equal(200, (int)gone.StatusCode);
        core.Uploads.Verify(store => store.RemoveAsync(stored!.Upload.Id, It.IsAny<CancellationToken>()), Times.Once);
    }

    [Theory]
    [InlineData("{}", "image is required; size_bytes must be the size of the whole image, 1 or more")]
    [InlineData("""{"image":"a b","size_bytes":0,"sha256":"12","format":"vmdk","replace":1}""", "replace must be true or false; image must be 1 to 100 characters")]
    [InlineData("""{"image":"debian12","size_bytes":1,"format":"1"}""", "format must be raw or qcow2")]
    [InlineData("""{"image":"debian12","size_bytes":1,"sha256":"12"}""", "sha256 must be a SHA-256: 64 hexadecimal digits")]
    public async Task A_request_that_is_not_valid_says_why_and_nothing_is_begun(string body, string message)
    {
        await using var api = await TestApi.StartAsync(templates: core);
        using var response = await api.Client.PostAsync("/uploads", new StringContent(body));
        Assert.Equal(400, (int)response.StatusCode);
        Assert.Contains($"\"message\":\"{message}", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Null(stored);
    }

    [Theory]
    [InlineData("12", "0", 404)]
    [InlineData("..%2f..%2fetc", "0", 404)]
    [InlineData("00000000000000000000000000000000", null, 400)]
    [InlineData("00000000000000000000000000000000", "-1", 400)]
    [InlineData("00000000000000000000000000000000", "x", 400)]
    public async Task A_piece_of_nothing_or_from_nowhere_is_refused(string id, string? offset, int status)
    {
        await using var api = await TestApi.StartAsync(templates: core);
        using var response = await PatchAsync(api, $"/uploads/{id}", offset, 1);
        Assert.Equal(status, (int)response.StatusCode);
    }

    private static Task<HttpResponseMessage> PatchAsync(TestApi api, string address, string? offset, int length)
    {
        var request = new HttpRequestMessage(HttpMethod.Patch, address) { Content = new ByteArrayContent(new byte[length]) };
        if (offset is not null)
        {
            request.Headers.TryAddWithoutValidation("Upload-Offset", offset);
        }

        return api.Client.SendAsync(request);
    }

    private static string Header(HttpResponseMessage response, string name) => string.Join(',', response.Headers.GetValues(name));
}
