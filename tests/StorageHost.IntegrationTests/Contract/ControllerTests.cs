using System.Text.Json;
using StorageHost.IntegrationTests.Fixtures;
using StorageHost.IntegrationTests.Security;
using Xunit;

namespace StorageHost.IntegrationTests.Contract;

/// <summary>The controller's own requests, over plain HTTP and over mutual TLS.</summary>
[Collection(LabTests.Name)]
public sealed class ControllerTests(Lab lab)
{
    [DaemonTheory]
    [InlineData(null)]
    [InlineData("application/x-www-form-urlencoded")]
    public async Task It_is_understood_over_plain_HTTP(string? contentType)
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        await SendAllAsync((await area.StartAsync()).Client, contentType);
    }

    [DaemonTheory]
    [InlineData(null)]
    [InlineData("application/x-www-form-urlencoded")]
    public async Task It_is_understood_over_mutual_TLS(string? contentType)
    {
        await using var secured = await Secured.StartAsync(lab);
        await SendAllAsync(secured.With("controller01"), contentType);
    }

    private static async Task SendAllAsync(Client client, string? contentType)
    {
        foreach (var vector in ControllerVector.All)
        {
            if (vector.After is { } copies)
            {
                await client.PoolHoldsAsync("centos", copies);
            }

            var answer = (await client.SendAsync(new HttpMethod(vector.Method), "/", vector.Body, contentType)).Is(vector.Status);
            Assert.True(Holds(answer, JsonElement.Parse(vector.Answer)), $"{vector.Method} {vector.Body} must be answered {vector.Answer}, and was: {answer}");
        }
    }

    /// <summary>Whether an answer has at least these members, with these values.</summary>
    private static bool Holds(JsonElement answer, JsonElement expected) => expected.ValueKind switch
    {
        JsonValueKind.Object => expected.EnumerateObject().All(member => answer.TryGetProperty(member.Name, out var value) && Holds(value, member.Value)),
        JsonValueKind.Array => answer.GetArrayLength() == expected.GetArrayLength() && answer.EnumerateArray().Zip(expected.EnumerateArray()).All(each => Holds(each.First, each.Second)),
        _ => JsonElement.DeepEquals(answer, expected),
    };
}
