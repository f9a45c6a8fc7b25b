using System.Net;
using StorageHost.Hosting.Security;
using Xunit;

namespace StorageHost.Tests.Hosting.Security;

public sealed class FailureLimitTests
{
    [Fact]
    public void An_address_may_fail_ten_times_at_once_and_others_are_not_concerned()
    {
        using var failures = new FailureLimit();
        Assert.InRange(Enumerable.Range(0, 1000).Count(_ => failures.Admit(IPAddress.Parse("10.0.0.1"))), 10, 12);
        Assert.True(failures.Admit(IPAddress.Parse("10.0.0.2")));
        Assert.True(failures.Admit(null));
    }

    [Theory]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", false)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", true)]
    [InlineData("::ffff:10.0.0.1", "::ffff:10.0.0.2", true)]
    public void Of_IPv6_it_is_the_network_that_fails(string address, string other, bool isAnother)
    {
        using var failures = new FailureLimit();
        while (failures.Admit(IPAddress.Parse(address)))
        {
        }

        Assert.Equal(isAnother, failures.Admit(IPAddress.Parse(other)));
    }
}
