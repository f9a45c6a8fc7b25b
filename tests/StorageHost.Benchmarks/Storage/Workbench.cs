using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.Benchmarks.Storage;

/// <summary>The storage of one run, and what every part has to know.</summary>
internal sealed class Workbench(Lab lab, Plan plan)
{
    public Plan Plan => plan;

    public Lab Lab => lab;

    /// <summary>The most memory that a daemon held since it was last set, in bytes.</summary>
    public long PeakRss { get; set; }

    /// <summary>The numbers of the rounds. Who goes first in one goes last in the next.</summary>
    public IEnumerable<int> Rounds => Enumerable.Range(1, plan.Rounds);

    /// <summary>A fresh storage directory on a volume of that kind.</summary>
    public async Task<Site> SiteAsync(StorageKind kind, string name) => new(this, await lab.AreaAsync(kind, name));

    /// <summary>As many as for the figures to reach, or fewer for a first look.</summary>
    public int Few(int full, int few) => plan.IsFull ? full : few;

    public static void Say(string what) => Console.Error.WriteLine($"{TimeProvider.System.GetLocalNow():HH:mm:ss} {what}");
}
