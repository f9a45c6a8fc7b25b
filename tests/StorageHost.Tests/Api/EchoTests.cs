using StorageHost.Api.Errors;
using Xunit;

namespace StorageHost.Tests.Api;

public sealed class EchoTests
{
    [Theory]
    [InlineData("web01", "web01")]
    [InlineData("a\r\nb\u001b[31m\u0000\u007f", "a??b?[31m??")]
    [InlineData("a\u202eb\u2028c\ufeff", "a?b?c?")]
    [InlineData("é 日 😀", "é 日 😀")]
    [InlineData("1234567890123456789012345678901234567890", "1234567890123456789012345678901234567890")]
    [InlineData("12345678901234567890123456789012345678901", "1234567890123456789012345678901234567890...")]
    public void Input_is_shown_short_and_without_control_characters(string input, string shown) => Assert.Equal(shown, Echo.Of(input));

    [Fact]
    public void Half_of_a_surrogate_pair_is_shown_as_unreadable() => Assert.Equal("\ufffd", Echo.Of("\ud800"));
}
