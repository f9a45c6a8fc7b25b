using StorageHost.Gluster;
using StorageHost.Hosting;
using Xunit;

namespace StorageHost.Tests.Gluster;

public sealed class GlusterRulesTests
{
    [Fact]
    public void The_defaults_are_sound() => Assert.Empty(Faults(_ => { }));

    [Theory]
    [InlineData("")]
    [InlineData("gn1.example.org")]
    [InlineData("fd00::1")]
    public void A_node_has_a_name_or_an_address(string node) => Assert.Empty(Faults(new GlusterOptions { Node = node }));

    [Theory]
    [InlineData("gn 1")]
    [InlineData("-gn1")]
    [InlineData("gn1\n")]
    public void Other_names_are_faults(string node) => Assert.Equal("Node", Faults(new GlusterOptions { Node = node }));

    [Theory]
    [InlineData(0.5, 15, 120, "Timeout")]
    [InlineData(301, 15, 120, "Timeout")]
    [InlineData(10, 0.5, 120, "PollInterval")]
    [InlineData(10, 3601, 4000, "PollInterval")]
    [InlineData(10, 15, 14, "MaxBackoff")]
    [InlineData(10, 15, 86401, "MaxBackoff")]
    public void Times_out_of_range_are_faults(double timeout, double interval, double backoff, string fault) => Assert.Equal(fault, Faults(options =>
        (options.Timeout, options.PollInterval, options.MaxBackoff) = (TimeSpan.FromSeconds(timeout), TimeSpan.FromSeconds(interval), TimeSpan.FromSeconds(backoff))));

    [Fact]
    public void The_program_is_required() => Assert.Equal("Path", Faults(options => options.Path = ""));

    private static string Faults(Action<GlusterOptions> change)
    {
        var options = new GlusterOptions();
        change(options);
        return Faults(options);
    }

    private static string Faults(GlusterOptions options) => string.Join(' ', new GlusterRules().Validate(options).Errors.Select(error => error.PropertyName));
}
