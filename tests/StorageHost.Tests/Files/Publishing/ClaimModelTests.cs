using FsCheck;
using FsCheck.Fluent;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Files.Publishing;

/// <summary>Whatever two daemons do one after the other, and wherever one of them dies, section 4 of the design holds.</summary>
public sealed class ClaimModelTests
{
    [Fact]
    public void No_disk_is_lost_doubled_or_half_there() => Prop.ForAll(Arb.From(Steps, Shorter), steps => Eventually.Result(async () =>
    {
        await using var model = await ClaimModel.StartAsync();
        foreach (var step in steps)
        {
            await model.RunAsync(step);
        }

        await model.EndAsync();
        return true;
    })).Check(Config.QuickThrowOnFailure.WithMaxTest(80));

    private static Gen<Step[]> Steps =>
        from count in Gen.Choose(1, 25)
        from steps in Gen.ArrayOf(
            from verb in Gen.Elements(ClaimModel.Verbs)
            from daemon in Gen.Choose(0, 1)
            from host in Gen.Choose(0, 2)
            from way in Gen.Choose(0, 4)
            select new Step(verb, daemon, host, way), count)
        select steps;

    private static IEnumerable<Step[]> Shorter(Step[] steps) => Enumerable.Range(0, steps.Length).Select(left => steps.Where((_, index) => index != left).ToArray());
}
