using System.Net;
using System.Security.Cryptography.X509Certificates;
using StorageHost.Hosting.Security;
using Xunit;

namespace StorageHost.Tests.Hosting.Security;

public sealed class ClientListTests : IDisposable
{
    private readonly X509Certificate2 authority = Pki.Authority("ca");

    public void Dispose() => authority.Dispose();

    [Theory]
    [InlineData("controller01.example.org", true)]
    [InlineData("CONTROLLER01.example.org", true)]
    [InlineData("10.0.0.7", true)]
    [InlineData("CN=controller01,O=Example", true)]
    [InlineData("cn=controller01, o=Example", true)]
    [InlineData("controller01", false)]
    [InlineData("controller01.example.org.evil.org", false)]
    [InlineData("example.org", false)]
    [InlineData("CN=controller01", false)]
    [InlineData("O=Example,CN=controller01", false)]
    [InlineData("CN=controller01,O=Example,C=ES", false)]
    [InlineData("10.0.0.70", false)]
    public void A_client_is_known_by_a_whole_name(string name, bool isKnown)
    {
        using var certificate = Pki.Issue(authority, "CN=controller01,O=Example", "controller01.example.org", IPAddress.Parse("10.0.0.7"));
        var grant = Read($"read {name}").Find(certificate);
        Assert.Equal(isKnown ? ["read"] : [], grant.Scopes);
    }

    [Fact]
    public void A_DNS_name_that_is_only_in_the_subject_is_none()
    {
        using var certificate = Pki.Issue(authority, "CN=controller01.example.org");
        var grant = Read("read controller01.example.org").Find(certificate);
        Assert.Equal(("CN=controller01.example.org", 0), (grant.Name, grant.Scopes.Count));
    }

    [Fact]
    public void Lines_that_name_the_same_client_add_up()
    {
        using var certificate = Pki.Issue(authority, "CN=controller01", "controller01.example.org");
        var grant = Read("read,provision controller01.example.org\ndestroy other.example.org\nread,destroy CN=controller01").Find(certificate);
        Assert.Equal(("controller01.example.org", "read provision destroy"), (grant.Name, string.Join(' ', grant.Scopes)));
    }

    [Fact]
    public void Every_fault_is_told_with_its_line()
    {
        var faults = new List<string>();
        ClientList.Read("read a b\nlook a\nread CN\n# read\nread X==,\nread", faults);
        Assert.Equal(
            [
                "line 1: must name a client by its DNS name, IP address or whole subject (CN=…)",
                "line 2: 'look' is no scope; there are read,provision,import,destroy",
                "line 5: is not a subject such as CN=controller01,O=Example",
                "line 6: must have scopes, then whom they are granted to",
            ],
            faults,
            StringComparer.Ordinal);
    }

    private static ClientList Read(string text)
    {
        var faults = new List<string>();
        var list = ClientList.Read(text, faults);
        Assert.Empty(faults);
        return list;
    }
}
