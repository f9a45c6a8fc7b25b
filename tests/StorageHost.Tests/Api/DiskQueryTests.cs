using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using StorageHost.Api.Disks;
using StorageHost.Api.Errors;
using StorageHost.Images.Disks;
using StorageHost.Images.Names;
using Xunit;

namespace StorageHost.Tests.Api;

public sealed class DiskQueryTests
{
    [Fact]
    public void Without_anything_the_first_hundred_are_asked_for() => Assert.Equal(new DiskFilter(null, null, null, null, 100), Read(""));

    [Fact]
    public void Everything_can_be_chosen() => Assert.Equal(
        new DiskFilter(Reading.Host("web01"), Reading.Image("centos"), DiskKind.Data, new FileName("web01.qcow2"), 7),
        Read("?host=web01&Image=centos&kind=DATA&after=web01.qcow2&limit=7&other=1"));

    [Fact]
    public void Every_fault_is_named() => Assert.Equal(
        "after host image kind limit", Invalid("?host=..&image=a_dup_b&kind=root&after=/etc/passwd&limit=0").Fields());

    [Theory]
    [InlineData("limit=1001")]
    [InlineData("limit=-1")]
    [InlineData("limit=99999999999999999999")]
    [InlineData("limit=1e1")]
    [InlineData("limit=")]
    [InlineData("limit=1&limit=2")]
    [InlineData("kind=1")]
    [InlineData("kind=system,data")]
    [InlineData("after=centos_template.img")]
    [InlineData("host=")]
    public void What_is_wrong_is_a_fault(string query) => Assert.Equal(query.Split('=')[0], Invalid($"?{query}").Fields());

    [Theory]
    [InlineData("POST", "/disks/web01.qcow2", "{}", "size_gb")]
    [InlineData("POST", "/disks/web01.qcow2", """{"size_gb":"80"}""", "size_gb")]
    [InlineData("POST", "/disks/web01.qcow2", """{"size_gb":0}""", "size_gb")]
    [InlineData("POST", "/disks/web01.qcow2", """{"size_gb":65537}""", "size_gb")]
    [InlineData("POST", "/disks/web01.qcow2", """{"size_gb":80,"SIZE_GB":80}""", "size_gb")]
    [InlineData("POST", "/disks/centos_template.img", """{"size_gb":null}""", "disk size_gb")]
    [InlineData("GET", "/disks/centos_dup_1_ready", null, "disk")]
    [InlineData("DELETE", "/disks/centos_template.img", null, "disk")]
    [InlineData("DELETE", "/disks/..%2Fx.qcow2", null, "disk")]
    [InlineData("GET", "/disks?limit=x", null, "limit")]
    public async Task Faults_are_told_over_HTTP(string method, string address, string? body, string fields)
    {
        await using var api = await TestApi.StartAsync();
        using var request = new HttpRequestMessage(new HttpMethod(method), address) { Content = body is null ? null : new StringContent(body) };
        using var response = await api.Client.SendAsync(request);
        Assert.Equal(400, (int)response.StatusCode);
        using var error = System.Text.Json.JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        Assert.Equal(fields, string.Join(' ', error.RootElement.GetProperty("errors").EnumerateObject().Select(field => field.Name).Order(StringComparer.Ordinal)));
    }

    private static DiskFilter Read(string query) => DiskQuery.Read(new QueryCollection(QueryHelpers.ParseQuery(query)), Reading.Names);

    private static InvalidRequestException Invalid(string query) => Assert.Throws<InvalidRequestException>(() => Read(query));
}
