using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Options;
using StorageHost.Api.Dispatch;
using StorageHost.Api.Errors;
using StorageHost.Images.Disks;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;
using Xunit;

namespace StorageHost.Tests.Api;

/// <summary>Reads commands without HTTP.</summary>
internal static class Reading
{
    public static FileNames Names { get; } = new("_template.img");

    private static readonly CommandReader Reader = new(Names, Options.Create(new PoolOptions()), Options.Create(new DisksOptions()));

    public static Command Command(string method, string body, string query = "", string? key = null) => Command(method, Encoding.UTF8.GetBytes(body), query, key);

    public static Command Command(string method, byte[] body, string query = "", string? key = null) =>
        Reader.Read(method, body, new QueryCollection(QueryHelpers.ParseQuery(query)), key);

    public static InvalidRequestException Invalid(string method, string body, string query = "", string? key = null) =>
        Invalid(method, Encoding.UTF8.GetBytes(body), query, key);

    public static InvalidRequestException Invalid(string method, byte[] body, string query = "", string? key = null) =>
        Assert.Throws<InvalidRequestException>(() => Command(method, body, query, key));

    /// <summary>The fields at fault, sorted, between spaces.</summary>
    public static string Fields(this InvalidRequestException invalid) =>
        string.Join(' ', invalid.Errors!.Keys.Order(StringComparer.Ordinal));

    public static ImageName Image(string name)
    {
        Assert.Null(Names.ParseImage(name, out var image));
        return image;
    }

    public static Hostname Host(string name)
    {
        Assert.Null(Names.ParseHostname(name, out var hostname));
        return hostname;
    }
}
