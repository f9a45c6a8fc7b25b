using BenchmarkDotNet.Running;
using StorageHost.Benchmarks.Measuring;
using StorageHost.Benchmarks.Parts;
using StorageHost.Benchmarks.Storage;
using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.Benchmarks;

internal static class Entry
{
    private const string Micro = "micro";
    private const int BadUsage = 2;

    private static async Task<int> Main(string[] arguments)
    {
        if (arguments is [Micro, .. var rest])
        {
            BenchmarkSwitcher.FromAssembly(typeof(Entry).Assembly).Run(rest is [] ? ["--filter", "*"] : rest);
            return 0;
        }

        try
        {
            var plan = Plan.Parse(arguments, [.. Part.All.Select(part => part.Name)]);
            if (Requirements.Missing.Length > 0)
            {
                throw new FormatException(Requirements.Missing);
            }

            await MeasureAsync(plan);
            return 0;
        }
        catch (FormatException fault)
        {
            await Console.Error.WriteLineAsync(fault.Message);
            return BadUsage;
        }
    }

    private static async Task MeasureAsync(Plan plan)
    {
        var lab = new Lab();
        await lab.InitializeAsync();
        try
        {
            var bench = new Workbench(lab, plan);
            foreach (var part in Part.All.Where(part => plan.Parts.Contains(part.Name, StringComparer.Ordinal)))
            {
                bench.PeakRss = 0;
                var load = Machine.Load;
                var result = await part.MeasureAsync(bench) with { When = TimeProvider.System.GetUtcNow(), Load = load };
                result = result with { Figures = [.. result.Figures, Figure.Limit("peak RSS of the daemon meanwhile", bench.PeakRss / 1e6, "MB", 150)] };
                if (plan.IsPlain)
                {
                    await Page.KeepAsync(result);
                }

                Console.WriteLine($"\n## {part.Name}\n\n{Table.OfFigures(result)}\n{Table.OfSeries(result)}");
            }
        }
        finally
        {
            await lab.DisposeAsync();
        }

        if (plan.IsPlain)
        {
            await Page.WriteAsync();
        }
    }
}
