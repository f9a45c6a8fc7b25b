using StorageHost.Hosting;
using StorageHost.Images;
using Xunit;

namespace StorageHost.Tests.Hosting;

[Collection(nameof(Console))]
public sealed class ExitCodesTests
{
    [Fact]
    public void Faults_of_the_configuration_are_all_said_and_exit_with_EX_CONFIG() =>
        Says(() => ExitCodes.Configuration(["Pool:Workers: must be 2 to 16", "Storage:Directory: is required"]), 78,
            "storagehost: the configuration has 2 fault(s):", "  Pool:Workers: must be 2 to 16", "  Storage:Directory: is required");

    [Fact]
    public void What_keeps_it_from_serving_is_said_and_exits_with_EX_UNAVAILABLE() =>
        Says(() => ExitCodes.Unavailable(new RefusedException(Refusal.StorageUnavailable, "the volume is not mounted")), 69, "storagehost: cannot serve: the volume is not mounted");

    [Fact]
    public void A_command_that_there_is_not_exits_with_EX_USAGE() => Says(() => ExitCodes.Usage("usage: storagehost"), 64, "usage: storagehost");

    [Fact]
    public void To_be_asked_to_stop_is_no_failure() => Assert.Equal(0, ExitCodes.Ok);

    private static void Says(Func<int> exit, int code, params string[] lines)
    {
        var (before, said) = (Console.Error, new StringWriter());
        Console.SetError(said);
        try
        {
            Assert.Equal(code, exit());
        }
        finally
        {
            Console.SetError(before);
        }

        Assert.All(lines, line => Assert.Contains(line + "\n", said.ToString(), StringComparison.Ordinal));
    }
}
