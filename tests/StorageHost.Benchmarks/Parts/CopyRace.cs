using StorageHost.Benchmarks.Measuring;
using StorageHost.Benchmarks.Peers;
using StorageHost.Benchmarks.Storage;
using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.Benchmarks.Parts;

/// <summary>The daemon and its peers copy one template in turns, on one volume.</summary>
internal sealed class CopyRace(Workbench bench, Site site, Template template, string where)
{
    private const int Wanted = 5;

    /// <summary>A peer that took so many times as long as the fastest in the first round is not run again.</summary>
    private const double TooSlow = 1.25;

    /// <summary>After a claim, pools are filled gently for five seconds: what that costs is for the part <c>busy</c>.</summary>
    private static readonly TimeSpan Demand = TimeSpan.FromSeconds(6);

    private readonly Series one = new($"{where}: one copy");
    private readonly Series allocated = new($"{where}: allocated by a copy ÷ by the template", "");
    private Runner[] runners = [];

    /// <summary>How long five copies took.</summary>
    public Series Five { get; } = new($"{where}: five copies");

    /// <summary>The median of the fastest peer, until its copy was durable, in milliseconds.</summary>
    public double Best => Fastest.Durable.Median;

    public string BestName => Fastest.Peer.Name;

    public Figure OneAgainstPeer(double? atMost) => Figure.Compare($"{where}: one copy", one.Median, one.Unit, BestName, Best, atMost);

    public Figure FiveAgainstPeer(double? atMost) => Figure.Compare($"{where}: five copies", Five.Median, Five.Unit, $"5 × {BestName}", Wanted * Best, atMost);

    public Figure FiveWithin(double milliseconds) => Figure.Limit($"{where}: five copies", Five.Median, Five.Unit, milliseconds, $"5 × {BestName}", Wanted * Best);

    public Figure Allocated => Figure.Limit(allocated.Name, allocated.Tail(100), "", 1.01);

    public IEnumerable<Series> Measured => [Five, .. one.Rounds is [] ? Array.Empty<Series>() : [one], allocated, .. runners.SelectMany(runner => new[] { runner.Durable, runner.Bare })];

    private Runner Fastest => runners.MinBy(runner => runner.Durable.Median)!;

    /// <summary>Runs all rounds, after one copy that is not measured. Whoever goes first in one goes last in the next.</summary>
    /// <param name="peers">Who takes part.</param>
    /// <param name="alsoOne">Whether the single copy that a caller waits for is measured too.</param>
    public async Task RunAsync(IEnumerable<Peer> peers, bool alsoOne)
    {
        runners = [.. peers.Select(peer => new Runner(peer, new Series($"{where}: {peer.Name}"), new Series($"{where}: {peer.Name}, bare")))];
        await site.TimeFillAsync(template.Image, 1);
        await site.Client.FillAsync(template.Image, 0);
        foreach (var round in bench.Rounds)
        {
            Workbench.Say($"copies, {where}, round {round}");
            var left = runners.Where(runner => round == 1 || runner.Durable.Rounds[0][0] <= TooSlow * runners.Min(other => other.Durable.Rounds[0][0]));
            List<Func<Task>> turns = [MakeFiveAsync, .. left.Select(runner => (Func<Task>)(() => MakeTheirsAsync(runner, round)))];
            if (alsoOne)
            {
                turns.Insert(1, () => MakeOneAsync(round));
            }

            foreach (var turn in round % 2 == 1 ? turns : Enumerable.Reverse(turns))
            {
                template.Warm(site.Area);
                await turn();
            }
        }
    }

    private async Task MakeFiveAsync()
    {
        Five.Add(await site.TimeFillAsync(template.Image, Wanted));
        var ofTemplate = (double)Durable.Allocated(site.Area.Seen(template.FileName));
        allocated.Add([.. Directory.EnumerateFiles(site.Area.Seen(), $"{template.Image}_dup_*").Select(copy => Durable.Allocated(copy) / ofTemplate)]);
        await site.Client.FillAsync(template.Image, 0);
    }

    private async Task MakeOneAsync(int round)
    {
        using var connection = new KeepAlive(site.Client.Address);
        one.Add(Burst.Time(() => connection.SetImage(template.Image, $"one{round}", "copy")));
        site.Delete("one*.qcow2");
        await Task.Delay(Demand);
    }

    private async Task MakeTheirsAsync(Runner runner, int round)
    {
        // libvirt remembers the names that it gave, so each is new; the daemon passes over them.
        var times = await runner.Peer.CopyAsync(site.Area, template, $".theirs-{template.Image}-{round}");
        runner.Durable.Add(times.Durable);
        runner.Bare.Add(times.Bare);
        site.Delete(".theirs*");
    }

    private sealed record Runner(Peer Peer, Series Durable, Series Bare);
}
