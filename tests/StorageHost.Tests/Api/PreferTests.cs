using Microsoft.AspNetCore.Http;
using StorageHost.Api.Dispatch;
using Xunit;

namespace StorageHost.Tests.Api;

public sealed class PreferTests
{
    [Theory]
    [InlineData(true, "respond-async")]
    [InlineData(true, "wait=10, Respond-Async; x=1")]
    [InlineData(true, "wait=10", "respond-async")]
    [InlineData(false)]
    [InlineData(false, "")]
    [InlineData(false, "respond-async-not")]
    [InlineData(false, "x=\"respond-async\"")]
    public void Only_the_preference_itself_counts(bool prefers, params string[] headers)
    {
        var request = new DefaultHttpContext().Request;
        request.Headers.Append("Prefer", headers);
        Assert.Equal(prefers, DispatchEndpoints.PrefersAsync(request));
    }
}
