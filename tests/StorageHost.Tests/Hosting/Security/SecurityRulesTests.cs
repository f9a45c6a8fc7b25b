using StorageHost.Hosting.Security;
using Xunit;

namespace StorageHost.Tests.Hosting.Security;

public sealed class SecurityRulesTests
{
    [Fact]
    public void Every_fault_is_told_at_once() => Assert.Equal(
        [
            "Certificate: is required: the certificate of Security:CertificateKey",
            "CertificateKey: must be an absolute path",
            "ClientCa: is required: the authorities that vouch for the clients of Security:ClientsFile",
            "SocketMode: must be an octal mode such as 0660",
            "TokensFile: must be an absolute path",
        ],
        Faults(new SecurityOptions { CertificateKey = "k", ClientsFile = "/l", TokensFile = "t", SocketMode = "1777" }).Order(StringComparer.Ordinal),
        StringComparer.Ordinal);

    [Theory]
    [InlineData("CertificateKey: is required", "/c", "", "", "")]
    [InlineData("Certificate: is required", "", "/k", "", "")]
    [InlineData("Certificate: is required", "", "", "/a", "/l")]
    [InlineData("ClientsFile: is required", "/c", "/k", "/a", "")]
    [InlineData("ClientCa: is required", "/c", "/k", "", "/l")]
    public void What_belongs_together_is_given_together(string fault, string certificate, string key, string clientCa, string clients) => Assert.StartsWith(
        fault, Assert.Single(Faults(new SecurityOptions { Certificate = certificate, CertificateKey = key, ClientCa = clientCa, ClientsFile = clients })), StringComparison.Ordinal);

    [Fact]
    public void Each_way_may_be_used_alone_and_all_together()
    {
        Assert.Empty(Faults(new SecurityOptions()));
        Assert.Empty(Faults(new SecurityOptions { TokensFile = "/t" }));
        Assert.Empty(Faults(new SecurityOptions { Certificate = "/c", CertificateKey = "/k" }));
        Assert.Empty(Faults(new SecurityOptions { Certificate = "/c", CertificateKey = "/k", ClientCa = "/a", ClientsFile = "/l", TokensFile = "/t", SocketMode = "600" }));
    }

    [Fact]
    public void It_is_open_only_while_nothing_is_asked_for_or_everybody_may()
    {
        Assert.True(new SecurityOptions().IsOpen);
        Assert.True(new SecurityOptions { Certificate = "/c" }.IsOpen);
        Assert.False(new SecurityOptions { TokensFile = "/t" }.IsOpen);
        Assert.False(new SecurityOptions { ClientCa = "/a" }.IsOpen);
        Assert.True(new SecurityOptions { ClientCa = "/a", TokensFile = "/t", AllowAnonymous = true }.IsOpen);
    }

    private static IEnumerable<string> Faults(SecurityOptions options) => new SecurityRules().Validate(options).Errors.Select(error => $"{error.PropertyName}: {error.ErrorMessage}");
}
