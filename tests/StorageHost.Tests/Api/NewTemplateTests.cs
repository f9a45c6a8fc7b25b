using Moq;
using StorageHost.Images;
using StorageHost.Images.Templates;
using StorageHost.Tests.Images;
using Xunit;

namespace StorageHost.Tests.Api;

public sealed class NewTemplateTests : IAsyncLifetime
{
    private readonly Core core = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await core.DisposeAsync();

    [Theory]
    [InlineData("""{"image":"debian12"}""", "url is required: where the template comes from")]
    [InlineData("""{"url":"https://images.example.org/a"}""", "image is required")]
    [InlineData("""{"image":"debian12","url":"https://images.example.org/a","host":"web01"}""", "url must not be given together with host: a template has one source")]
    [InlineData("""{"image":"debian12","url":7}""", "url must be a string")]
    [InlineData("""{"image":"debian12","url":"images.example.org/a"}""", "url must be a URL with its scheme, such as https://images.example.org/centos.qcow2")]
    [InlineData("""{"image":"debian12","url":"/etc/passwd"}""", "url must be a URL with its scheme, such as https://images.example.org/centos.qcow2")]
    [InlineData("""{"image":"debian12","url":"https://images.example.org/a b"}""", "url must hold neither white space nor control characters")]
    [InlineData("""{"image":"debian12","url":"https://images.example.org/a\r\nHost: b"}""", "url must hold neither white space nor control characters")]
    [InlineData("""{"image":"debian12","url":"https://images.example.org/a","sha256":"12"}""", "sha256 must be a SHA-256: 64 hexadecimal digits")]
    [InlineData("""{"image":"debian12","url":"https://images.example.org/a","replace":1}""", "replace must be true or false")]
    public async Task A_request_that_is_not_valid_says_why(string body, string message)
    {
        await using var api = await TestApi.StartAsync(templates: core);
        using var response = await api.Client.PostAsync("/templates", new StringContent(body));
        Assert.Equal(400, (int)response.StatusCode);
        Assert.Contains($"\"message\":\"{message}", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Empty(core.Jobs.All);
    }

    [Fact]
    public async Task A_job_is_the_answer()
    {
        await using var api = await TestApi.StartAsync(templates: core);
        using var response = await api.Client.PostAsync("/templates", new StringContent("""{"Image":"debian12","url":"https://images.example.org/a.img","sha256":null}"""));
        var job = core.Jobs.All.Single();
        Assert.Equal((202, $"/jobs/{job.Id}"), ((int)response.StatusCode, response.Headers.Location?.ToString()));
        Assert.Contains($"{{\"id\":\"{job.Id}\",\"kind\":\"import\",\"image\":\"debian12\",", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        await api.LineAsync("asked for make template debian12 from https://images.example.org/a.img: 202");
    }

    [Fact]
    public async Task Secrets_of_a_url_are_not_written_to_the_log()
    {
        core.Urls.Setup(source => source.Check(It.IsAny<SourceUrl>())).Throws(new RefusedException(Refusal.UrlRefused, "no"));
        await using var api = await TestApi.StartAsync(templates: core);
        using var response = await api.Client.PostAsync("/templates", new StringContent("""{"image":"debian12","url":"https://me:hush@images.example.org/a.img?key=hush#hush","replace":true}"""));
        Assert.Equal(422, (int)response.StatusCode);
        await api.LineAsync("asked for replace template debian12 from https://images.example.org/a.img: 422 url_refused");
        Assert.DoesNotContain(api.Lines, line => line.Line.Contains("hush", StringComparison.Ordinal));
        Assert.DoesNotContain("hush", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }
}
