using FsCheck;
using FsCheck.Fluent;
using StorageHost.Images.Pools;
using StorageHost.Images.Ports;
using Xunit;

namespace StorageHost.Tests.Images.Pools;

public sealed class PoolPlanTests
{
    private static readonly Config Thorough = Config.QuickThrowOnFailure.WithMaxTest(1000);

    [Theory]
    [InlineData("at its level", 3, 3, 0, false, "Rest 0")]
    [InlineData("empty and to be empty", 0, 0, 0, false, "Rest 0")]
    [InlineData("below", 3, 1, 0, false, "Fill 2")]
    [InlineData("far below", 20, 1, 0, false, "Fill 8")]
    [InlineData("above", 3, 5, 0, false, "Trim 2")]
    [InlineData("below, resting", 3, 1, 0, true, "Rest 0")]
    [InlineData("above, resting", 3, 5, 0, true, "Rest 0")]
    [InlineData("waited for", 3, 0, 2, false, "Serve 2")]
    [InlineData("waited for by many", 3, 0, 30, false, "Serve 8")]
    [InlineData("waited for, resting", 0, 0, 1, true, "Serve 1")]
    [InlineData("waited for, above", 0, 2, 1, false, "Serve 1")]
    public void A_pool_without_a_pass_needs(string state, int wanted, int ready, int waiting, bool resting, string expected) =>
        Assert.Equal((state, expected), (state, Step(PoolPlan.Next(wanted, ready, ready, waiting, null, resting))));

    [Theory]
    [InlineData("filling what is needed", "Fill", 2, 3, 1, 0, "Rest 0")]
    [InlineData("filling what nobody needs any more", "Fill", 2, 1, 1, 0, "Stop 0")]
    [InlineData("filling one copy, waited for", "Fill", 1, 3, 0, 1, "Rest 0")]
    [InlineData("nearly done, waited for", "Fill", 1.5, 8, 0, 1, "Rest 0")]
    [InlineData("filling much, waited for", "Fill", 1.6, 8, 0, 1, "Stop 0")]
    [InlineData("serving, waited for by more", "Serve", 8, 8, 0, 20, "Rest 0")]
    [InlineData("serving one who has left", "Serve", 1, 0, 0, 0, "Stop 0")]
    [InlineData("serving one who has left, below its level", "Serve", 1, 1, 0, 0, "Rest 0")]
    [InlineData("trimming, waited for", "Trim", 0, 0, 0, 1, "Rest 0")]
    public void A_pool_with_a_pass_needs(string state, string pass, double left, int wanted, int ready, int waiting, string expected) =>
        Assert.Equal((state, expected), (state, Step(PoolPlan.Next(wanted, ready, ready, waiting, new PassState(Enum.Parse<PoolStep>(pass), left), false))));

    [Fact]
    public void It_never_fills_above_the_level_nor_trims_below_it() => Check(0, 1500, (wanted, ready, waiting, resting) =>
        PoolPlan.Next(wanted, ready, ready, waiting, null, resting) switch
        {
            (PoolStep.Fill, var copies) => copies is >= 1 and <= PoolPlan.MaxCopiesAtOnce && ready + copies <= wanted && waiting == 0 && !resting,
            (PoolStep.Trim, var copies) => copies >= 1 && ready - copies >= wanted && waiting == 0 && !resting,
            (PoolStep.Serve, var copies) => copies is >= 1 and <= PoolPlan.MaxCopiesAtOnce && copies <= waiting,
            (PoolStep.Rest, 0) => waiting == 0 && (resting || ready == wanted),
            _ => false,
        });

    [Fact]
    public void Its_steps_lead_to_the_level_and_end_there() => Check(0, 100, (wanted, ready, waiting, _) =>
    {
        for (var steps = 0; steps < 300; steps++)
        {
            switch (PoolPlan.Next(wanted, ready, ready, waiting, null, false))
            {
                case (PoolStep.Serve, var copies): waiting -= copies; break;
                case (PoolStep.Fill, var copies): ready += copies; break;
                case (PoolStep.Trim, var copies): ready -= copies; break;
                default: return ready == wanted && waiting == 0;
            }
        }

        return false;
    });

    [Theory]
    [InlineData("others hold what is missing here", 3, 1, 3, "Rest 0")]
    [InlineData("too many with what others hold", 3, 2, 4, "Trim 1")]
    [InlineData("too many, but not here", 3, 1, 6, "Trim 1")]
    [InlineData("too many, and none here", 3, 0, 4, "Rest 0")]
    [InlineData("too few with what others hold", 3, 1, 2, "Fill 1")]
    public void What_other_daemons_hold_counts_but_is_theirs(string state, int wanted, int ready, int total, string expected) =>
        Assert.Equal((state, expected), (state, Step(PoolPlan.Next(wanted, ready, total, 0, null, false))));

    [Fact]
    public void What_fits_leaves_the_reserve_whole() => CheckSpace((space, percent, promised, copy) =>
    {
        var (fitting, reserve) = (PoolPlan.Fitting(space, percent, promised, copy), space.TotalBytes / 100 * percent);
        var left = (Int128)space.FreeBytes - promised - ((Int128)fitting * Math.Max(copy, 1));
        return fitting >= 0 && (fitting == 0 || left >= reserve) && (left < (Int128)reserve + Math.Max(copy, 1) || fitting == int.MaxValue);
    });

    [Fact]
    public void What_is_given_back_makes_the_reserve_whole_and_no_more() => CheckSpace((space, percent, _, _) =>
    {
        var (deficit, reserve) = (PoolPlan.Deficit(space, percent), space.TotalBytes / 100 * percent);
        return deficit >= 0 && (deficit == 0 ? space.FreeBytes >= reserve : space.FreeBytes + deficit == reserve);
    });

    [Fact]
    public void What_was_given_back_is_not_filled_again() => CheckSpace((space, percent, _, copy) =>
    {
        copy = Math.Max(copy, 1);
        var copies = (PoolPlan.Deficit(space, percent) + copy - 1) / copy;
        var after = space with { FreeBytes = space.FreeBytes + (copies * copy) };
        return copies == 0 || (PoolPlan.Fitting(after, percent, 0, copy) == 0 && PoolPlan.Deficit(after, percent) == 0);
    });

    [Fact]
    public void What_was_filled_is_not_given_back() => CheckSpace((space, percent, _, copy) =>
    {
        var fitting = Math.Min(PoolPlan.Fitting(space, percent, 0, copy), 1000);
        return fitting == 0 || PoolPlan.Deficit(space with { FreeBytes = space.FreeBytes - (fitting * copy) }, percent) == 0;
    });

    [Fact]
    public void A_template_of_holes_only_fits_as_often_as_is_asked() =>
        Assert.Equal(int.MaxValue, PoolPlan.Fitting(new VolumeSpace(1L << 40, 1L << 40), 5, 0, 0));

    private static string Step((PoolStep Step, int Copies) next) => $"{next.Step} {next.Copies}";

    private static void Check(int least, int most, Func<int, int, int, bool, bool> holds) => Prop.ForAll(Arb.From(
        from wanted in Gen.Choose(least, most)
        from ready in Gen.OneOf(Gen.Choose(least, most), Gen.Constant(wanted))
        from waiting in Gen.Frequency((2, Gen.Constant(0)), (1, Gen.Choose(0, 40)))
        from resting in Gen.Elements(true, false)
        select (wanted, ready, waiting, resting)), state => holds(state.wanted, state.ready, state.waiting, state.resting)).Check(Thorough);

    private static void CheckSpace(Func<VolumeSpace, int, long, long, bool> holds) => Prop.ForAll(Arb.From(
        from unit in Gen.Elements(1L, 4096L, 1L << 20, 1L << 30)
        from total in Gen.Choose(0, 100_000)
        from free in Gen.Choose(0, total)
        from percent in Gen.Choose(0, 90)
        from promised in Gen.Choose(0, 1000)
        from copy in Gen.Choose(0, 5000)
        select (space: new VolumeSpace(total * unit, free * unit), percent, promised: promised * unit, copy: copy * unit)),
        state => holds(state.space, state.percent, state.promised, state.copy)).Check(Thorough);
}
