using System.Text;
using Xunit;

namespace StorageHost.Tests.Api;

public sealed class RequestBodyTests
{
    [Theory]
    [InlineData("", "The body is empty; it must be a JSON object.")]
    [InlineData("   ", "line 1, byte 4")]
    [InlineData("{\"action\":\n}", "line 2, byte 1")]
    [InlineData("{} {}", "line 1, byte 4")]
    [InlineData("""{"action":"dup","action":"dup"}""", "no member twice")]
    [InlineData("""{"action":"dup","duplicateinfo":{"a":1,"a":2}}""", "no member twice")]
    [InlineData("""{"\ud800":1}""", "cannot be read")]
    [InlineData("""{"action":"dup"} // no""", "line 1")]
    [InlineData("action=dup", "The body cannot be read (line 1, byte 1): 'a' is an invalid start of a value. It must be one JSON object, no member twice")]
    [InlineData("{\"action\": \"dup\",\n}", "(line 2, byte 1): The JSON object contains a trailing comma at the end")]
    public void What_is_no_json_is_told_where(string body, string place)
    {
        var invalid = Reading.Invalid("POST", body);
        Assert.Equal("invalid_json", invalid.Kind.Code);
        Assert.Contains(place, invalid.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("\"dup\"")]
    public void Another_json_value_is_an_invalid_payload(string body) => Assert.Equal("invalid_payload", Reading.Invalid("GET", body).Kind.Code);

    [Fact]
    public void Bytes_that_are_no_utf8_are_no_json()
    {
        var invalid = Reading.Invalid("POST", [.. "{\"action\":\""u8, 0xFF, .. "\"}"u8]);
        Assert.Equal("invalid_json", invalid.Kind.Code);
        Assert.Contains("UTF-8", invalid.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_byte_order_mark_is_let_pass()
    {
        Assert.NotNull(Reading.Command("GET", [0xEF, 0xBB, 0xBF, .. "{\"target\":\"images\"}"u8]));
        Assert.Equal("invalid_json", Reading.Invalid("GET", [0xEF, 0xBB, 0xBF]).Kind.Code);
    }

    [Theory]
    [InlineData(15, true)]
    [InlineData(16, false)]
    [InlineData(20_000, false)]
    public void A_deep_body_is_refused(int arrays, bool read)
    {
        var body = Encoding.UTF8.GetBytes($$"""{"target":"images","x":{{new string('[', arrays)}}{{new string(']', arrays)}}}""");
        if (read)
        {
            Assert.NotNull(Reading.Command("GET", body));
        }
        else
        {
            Assert.Equal("invalid_json", Reading.Invalid("GET", body).Kind.Code);
        }
    }
}
