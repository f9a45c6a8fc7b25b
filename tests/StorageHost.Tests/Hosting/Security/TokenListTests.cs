using StorageHost.Api;
using StorageHost.Hosting.Security;
using Xunit;

namespace StorageHost.Tests.Hosting.Security;

public sealed class TokenListTests
{
    private const string SomeHash = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    [Fact]
    public void A_token_is_found_by_its_hash()
    {
        var hash = Convert.ToHexString(TokenList.HashOf("sth_one"));
        var list = Read($"# of the controllers\n\nread,provision  sha256:{hash}\tone\nread sha256:{new string('0', 64)} two \r\n", out var faults);
        Assert.Empty(faults);
        Assert.Equal(["one", "two"], list.Entries.Select(entry => entry.Grant.Name), StringComparer.Ordinal);
        Assert.Equal(("one", "read provision"), list.Find("sth_one") is { } grant ? (grant.Name, string.Join(' ', grant.Scopes)) : default);
    }

    [Theory]
    [InlineData("")]
    [InlineData("sth_on")]
    [InlineData("sth_onee")]
    [InlineData("STH_ONE")]
    [InlineData("sth_one ")]
    public void Anything_else_is_none(string token) => Assert.Null(Read($"read sha256:{Convert.ToHexString(TokenList.HashOf("sth_one"))} one", out _).Find(token));

    [Fact]
    public void What_is_far_too_long_is_not_even_hashed()
    {
        var token = new string('x', 101);
        Assert.Null(Read($"read sha256:{Convert.ToHexString(TokenList.HashOf(token))} one", out _).Find(token));
    }

    [Fact]
    public void The_hash_is_the_SHA_256_that_others_compute() =>
        Assert.Equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", Convert.ToHexStringLower(TokenList.HashOf("abc")));

    [Fact]
    public void Every_fault_is_told_with_its_line()
    {
        Read($"read\nall sha256:{SomeHash} a\nread sha256:{SomeHash[1..]} b\nread sha256:{SomeHash} c d\n\nread {SomeHash} e\nread sha256:{SomeHash} f\nread sha256:{SomeHash} f", out var faults);
        Assert.Equal(
            [
                "line 1: must have scopes, then whom they are granted to",
                "line 2: 'all' is no scope; there are read,provision,import,destroy",
                "line 3: must be scopes, sha256: with 64 hexadecimal digits, and the token's name",
                "line 4: must be scopes, sha256: with 64 hexadecimal digits, and the token's name",
                "line 6: must be scopes, sha256: with 64 hexadecimal digits, and the token's name",
                "there are several tokens named f",
            ],
            faults);
    }

    [Fact]
    public void An_entry_reads_as_it_was_written()
    {
        var entry = new TokenEntry(new Grant("ci", [Scopes.Read, Scopes.Destroy]), TokenList.HashOf("sth_one"));
        Assert.Equal(entry.ToString(), Assert.Single(Read(entry.ToString(), out _).Entries).ToString());
    }

    private static TokenList Read(string text, out List<string> faults)
    {
        faults = [];
        return TokenList.Read(text, faults);
    }
}
