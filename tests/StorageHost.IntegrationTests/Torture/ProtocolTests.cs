using System.Globalization;
using System.Text.RegularExpressions;
using StorageHost.IntegrationTests.Fixtures;
using StorageHost.IntegrationTests.Interception;
using Xunit;

namespace StorageHost.IntegrationTests.Torture;

/// <summary>
/// The order of the system calls by which names come and go (docs/decisions/0002-claim-protocol.md). What no crash of this machine's file
/// systems would show, since another step happens to cover it, is missed here.
/// </summary>
[Collection(LabTests.Name)]
public sealed class ProtocolTests(Lab lab)
{
    private const string Private = ".storagehost/";
    private const string Levels = ".storagehost/levels/";
    private const string Making = "/making/";
    private static readonly string[] Data = ["pwrite64", "ftruncate", "ioctl"];
    private static readonly string[] Writes = [.. Data, "fsetxattr", "fchmod", "fchown", "utimensat"];

    /// <summary>The hit's, the miss's, the data disk's.</summary>
    private const int LeastGiven = 3;

    [DaemonTheory]
    [InlineData(StorageKind.Xfs)]
    [InlineData(StorageKind.PlainXfs)]
    [InlineData(StorageKind.Replica3)]
    [InlineData(StorageKind.PlainReplica3)]
    public async Task Names_come_and_go_in_the_steps_that_were_decided(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        await area.PutTemplateAsync(Operation.Image, await lab.Masters.SmallAsync());
        var daemon = await area.StartAsync("--Storage:RescanInterval", "01:00:00");
        var given = 0;
        foreach (var (operation, number) in Operation.All.Where(operation => !operation.IsLocal || kind is StorageKind.Xfs or StorageKind.PlainXfs).Select((operation, number) => (operation, number)))
        {
            var calls = await Attempt.RecordAsync(daemon, operation, new Stage(area, daemon.Client, string.Create(CultureInfo.InvariantCulture, $"web{number}")));
            await area.Oracle.CheckAsync();
            given += calls.Count(call => call.Name is "linkat");
            foreach (var (call, at) in calls.Select((call, at) => (call, at)))
            {
                var fault = Fault(call, [.. calls.Take(at)], [.. calls.Skip(at + 1)]);
                Assert.True(fault is null, $"{operation}: {call}: {fault}, in\n{string.Join('\n', calls)}");
            }
        }

        Assert.True(given >= LeastGiven, $"only {given} names were given");
    }

    /// <summary>What is wrong with a call between those before it and those after it; null when nothing is.</summary>
    private static string? Fault(SystemCall call, SystemCall[] before, SystemCall[] after) => call.IsOfProgram ? "a program works on the storage, and would hang with it" : call.Name switch
    {
        "openat" when call.Changes && !IsPrivate(call.File) => "a name is given to what is not written yet",
        "pwrite64" or "ftruncate" or "ioctl" when !call.File.Contains(Making, StringComparison.Ordinal) => "it grows where other nodes look",
        "fsync" when Array.Find(after, next => next.File == call.File) is not { Name: "statx" } => "no look shows whether the file system had shut down",
        "utimensat" when !IsSynced(call.File, before, Data) => "data that is written back later would set the time again",
        "linkat" when IsVersion(call.Target) => IsPrivate(call.File) ? "only a template becomes a version" : null,
        "linkat" when !IsPrivate(call.File) || IsPrivate(call.Target) => "only publishing links, from a private name to a final one",
        "linkat" when !IsSynced(call.File, before, Writes) && !GrewAtOnce(call.File, before) => "what it names was not fsynced since it was written",
        "linkat" when !after.TakeWhile(next => next is not { Name: "unlinkat" } || next.File != call.File).Any(next => IsSync(next, call.File)) =>
            "no fsync makes the name durable while the private one is there",
        "linkat" when !after.Any(next => next.Name is "unlinkat" && next.File == call.File) => "nothing commits it",
        "renameat" when IsTemplate(call.Target) && !Array.Exists(before, former => former.Name is "linkat" && former.File == call.Target && IsVersion(former.Target)) =>
            "the template that it replaces is no version yet",
        "renameat" when IsTemplate(call.Target) && !IsSynced(call.File, before, Writes) => "the template was not fsynced before",
        "renameat" when IsTemplate(call.Target) && !after.Any(next => IsSync(next, call.Target)) => "no fsync makes the template's name durable",
        "renameat" when IsTemplate(call.Target) && !after.Any(next => next is { Name: "fsetxattr" } && next.File == call.Target) => "nothing tells other nodes that the old one is none any more",
        "renameat" when IsTemplate(call.Target) => null,
        "renameat" when !IsPrivate(call.Target) && !(IsPrivate(call.File) && IsCopy(call.Target)) => "it replaces what may be somebody's",
        "renameat" when IsCopy(call.Target) && !IsSynced(call.File, before, Writes) => "what enters the pool was not fsynced since it was written",
        "renameat" when IsCopy(call.Target) && !after.Any(next => IsSync(next, call.Target)) => "no fsync makes the copy's name durable",
        "renameat" when IsLevel(call.Target) && !IsSynced(call.File, before, Writes) => "the level was not fsynced before",
        "renameat" when IsLevel(call.Target) && !after.Any(next => IsSync(next, call.Target)) => "no fsync makes the level's name durable",
        "unlinkat" when IsDiskOrTemplate(call.File) && !after.Any(next => IsSync(next, ".")) => "no fsync makes the removal durable",
        "unlinkat" when (IsDiskOrTemplate(call.File) || IsLevel(call.File)) && !after.Any(next => IsSync(next, call.File)) => "no fsync makes the removal durable on Gluster",
        _ => null,
    };

    private static bool IsSynced(string file, SystemCall[] calls, string[] writes) =>
        Array.FindLastIndex(calls, call => call.File == file && writes.Contains(call.Name, StringComparer.Ordinal)) is var last
        && (last < 0 || calls.Skip(last).Any(call => IsSync(call, file)));

    /// <summary>The one write by which a claim grows needs no fsync of its own: the private name says what it was to be.</summary>
    private static bool GrewAtOnce(string file, SystemCall[] calls) =>
        Regex.IsMatch(file, "/making/[0-9]+-[.][0-9]+G$") && calls.Count(call => call.File == file && Writes.Contains(call.Name, StringComparer.Ordinal)) == 1;

    private static bool IsSync(SystemCall call, string file) => call.Name is "fsync" && call.File == file;

    private static bool IsPrivate(string file) => file.StartsWith(Private, StringComparison.Ordinal);

    private static bool IsLevel(string file) => file.StartsWith(Levels, StringComparison.Ordinal);

    private static bool IsTemplate(string file) => !IsPrivate(file) && file.EndsWith("_template.img", StringComparison.Ordinal);

    private static bool IsVersion(string file) => file.StartsWith($"{Private}versions/", StringComparison.Ordinal);

    private static bool IsCopy(string file) => !IsPrivate(file) && file.EndsWith("_ready", StringComparison.Ordinal);

    private static bool IsDiskOrTemplate(string file) => !IsPrivate(file) && !file.Contains("_dup_", StringComparison.Ordinal);
}
