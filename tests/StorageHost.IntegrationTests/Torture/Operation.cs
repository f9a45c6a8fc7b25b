using System.Text.Json;
using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.IntegrationTests.Torture;

/// <summary>How a request ended, for whoever has to know what may be there now.</summary>
internal enum Outcome
{
    /// <summary>It was done, and the daemon has said so.</summary>
    Acknowledged,

    /// <summary>Nothing was done, and the daemon has said so.</summary>
    Refused,

    /// <summary>There was no answer, or one that leaves it open.</summary>
    Unknown,
}

/// <summary>Where an operation is done: a directory, a daemon that serves it, and a hostname that nobody had before.</summary>
internal sealed record Stage(StorageArea Area, Client Client, string Host)
{
    public Oracle Oracle => Area.Oracle;

    /// <summary>An image of this operation alone.</summary>
    public string OwnImage => $"of-{Host}";
}

/// <summary>A request that changes something, with what must be there before and what may be there after.</summary>
/// <param name="Name">What it is called in the name of a test.</param>
/// <param name="PrepareAsync">Makes what it needs.</param>
/// <param name="ActAsync">Sends the request.</param>
/// <param name="Note">Tells the oracle how it ended.</param>
internal sealed record Operation(string Name, Func<Stage, Task> PrepareAsync, Func<Stage, Task<Answer>> ActAsync, Action<Stage, Outcome> Note)
{
    public const string Image = "centos";

    /// <summary>The L1 table of the small qcow2 master has room for so many GiB, and not for more.</summary>
    private const int InPlace = 1;
    private const int Moved = 3;

    /// <summary>What a template is replaced by.</summary>
    private static string Replacement => Path.Combine(Lab.Directory, "replacement.raw");

    /// <summary>Whether it makes a disk that is larger than its template, which is a qcow2.</summary>
    public bool IsSized { get; private init; }

    /// <summary>Whether Gluster refuses it: there no file gets longer that other nodes know.</summary>
    public bool IsLocal { get; private init; }

    /// <summary>Every verb of the daemon that changes the storage.</summary>
    public static IReadOnlyList<Operation> All { get; } =
    [
        new("a hit", stage => FillAsync(stage, 2), stage => stage.Client.SetImageAsync(Image, stage.Host), NoteDisk),
        Sized("a hit with a size", InPlace),
        Sized("a hit whose tables move", Moved) with { IsLocal = true },
        new("a miss", stage => FillAsync(stage, 0), stage => stage.Client.SetImageAsync(Image, stage.Host), NoteDisk),
        new("a filling", stage => FillAsync(stage, 0), stage => stage.Client.DupAsync(Image, 2), (stage, outcome) => NoteLevel(stage, outcome, 2)),
        new("a trimming", stage => FillAsync(stage, 2), stage => stage.Client.DupAsync(Image, 0), (stage, outcome) => NoteLevel(stage, outcome, 0)),
        new("a data disk", _ => Task.CompletedTask, stage => stage.Client.AddStorageAsync(stage.Host, 1), NoteDataDisk),
        new("a purge", MakeHostAsync, stage => stage.Client.DeleteHostAsync(stage.Host, purge: true), NotePurge),
        new("an image's end", MakeImageAsync, stage => stage.Client.DeleteImageAsync(stage.OwnImage), NoteImageGone),
        new("an upload", _ => Task.CompletedTask, stage => UploadAsync(stage, stage.Oracle.MasterOf(Image)), NoteUpload),
        new("a replacement", MakeTemplateAsync, stage => UploadAsync(stage, Replacement), NoteReplacement),
    ];

    public static Operation Named(string name) => All.Single(operation => operation.Name == name);

    /// <summary>
    /// Whether nothing of an operation goes on any more: every pool is at its level. Where several daemons are at work it may be above: what one has
    /// claimed ahead, another does not count.
    /// </summary>
    public static async Task<bool> IsSettledAsync(Stage stage) => (await PoolsAsync(stage)).GetProperty("pools").EnumerateArray().All(pool =>
        pool.Number("ready") - pool.Number("wanted") is var above && (above == 0 || (above > 0 && stage.Area.Alive > 1)) && pool.Number("copying") == 0 && pool.Number("waiting") == 0);

    public static async Task SettledAsync(Stage stage, int seconds = 20)
    {
        try
        {
            await Wait.UntilAsync("the pools to be at their levels", () => IsSettledAsync(stage), seconds);
        }
        catch (TimeoutException late)
        {
            throw new TimeoutException($"{late.Message}: {await PoolsAsync(stage)}", late);
        }
    }

    public override string ToString() => Name;

    private static async Task<JsonElement> PoolsAsync(Stage stage) => (await stage.Client.GetAsync("/pools")).Is(200);

    private static Operation Sized(string name, int sizeGb) => new(
        name, stage => FillAsync(stage, 2), stage => stage.Client.SetImageAsync(Image, stage.Host, sizeGb), (stage, outcome) => Tell(
            outcome, () => stage.Oracle.SizedDisk(stage.Host, Image, sizeGb), () => stage.Oracle.SizedDisk(stage.Host, Image, sizeGb, isSure: false)))
    {
        IsSized = true,
    };

    private static async Task FillAsync(Stage stage, int level)
    {
        await stage.Client.FillAsync(Image, level);
        stage.Oracle.Level(Image, level);
    }

    private static async Task MakeHostAsync(Stage stage)
    {
        (await stage.Client.SetImageAsync(Image, stage.Host)).Is(200);
        NoteDisk(stage, Outcome.Acknowledged);
        (await stage.Client.AddStorageAsync(stage.Host, 1)).Is(200);
        NoteDataDisk(stage, Outcome.Acknowledged);
    }

    private static async Task MakeImageAsync(Stage stage)
    {
        await stage.Area.PutTemplateAsync(stage.OwnImage, stage.Oracle.MasterOf(Image));
        await stage.Client.FillAsync(stage.OwnImage, 1);
        stage.Oracle.Level(stage.OwnImage, 1);
    }

    private static async Task MakeTemplateAsync(Stage stage)
    {
        if (!File.Exists(Replacement))
        {
            await File.WriteAllBytesAsync(Replacement, Enumerable.Range(0, 300_000).Select(at => (byte)((at * 7) + (at >> 8) + 1)).ToArray());
        }

        (await UploadAsync(stage, stage.Oracle.MasterOf(Image))).Is(200);
        NoteUpload(stage, Outcome.Acknowledged);
    }

    private static async Task<Answer> UploadAsync(Stage stage, string file)
    {
        using var content = new ByteArrayContent(await File.ReadAllBytesAsync(file));
        return await stage.Client.SendAsync(HttpMethod.Put, $"/templates/{stage.OwnImage}?replace=true", content, [], CancellationToken.None);
    }

    private static void NoteUpload(Stage stage, Outcome outcome) => Tell(
        outcome, () => stage.Oracle.Template(stage.OwnImage, stage.Oracle.MasterOf(Image)), () => stage.Oracle.MayHaveTemplate(stage.OwnImage, stage.Oracle.MasterOf(Image)));

    private static void NoteReplacement(Stage stage, Outcome outcome) => Tell(
        outcome, () => stage.Oracle.Template(stage.OwnImage, Replacement), () => stage.Oracle.MayBeReplaced(stage.OwnImage, Replacement));

    private static void NoteDisk(Stage stage, Outcome outcome) =>
        Tell(outcome, () => stage.Oracle.Disk(stage.Host, Image), () => stage.Oracle.MayHaveDisk(stage.Host, Image));

    private static void NoteLevel(Stage stage, Outcome outcome, int level) =>
        Tell(Open(outcome), () => stage.Oracle.Level(Image, level), () => stage.Oracle.MayHaveLevel(Image, level));

    private static void NoteDataDisk(Stage stage, Outcome outcome) =>
        Tell(outcome, () => stage.Oracle.DataDisk($"{stage.Host}_storage_1G"), () => stage.Oracle.MayHaveDataDisk($"{stage.Host}_storage_1G"));

    private static void NotePurge(Stage stage, Outcome outcome)
    {
        foreach (var file in new[] { $"{stage.Host}.qcow2", $"{stage.Host}_storage_1G" })
        {
            Tell(Open(outcome), () => stage.Oracle.NoFile(file), () => stage.Oracle.MayLack(file));
        }
    }

    private static void NoteImageGone(Stage stage, Outcome outcome)
    {
        Tell(Open(outcome), () => stage.Oracle.NoTemplate(stage.OwnImage), () => stage.Oracle.MayLackTemplate(stage.OwnImage));
        Tell(Open(outcome), () => stage.Oracle.Level(stage.OwnImage, 0), () => stage.Oracle.MayHaveLevel(stage.OwnImage, 0));
    }

    // What takes more than one step may have been refused in the middle.
    private static Outcome Open(Outcome outcome) => outcome == Outcome.Refused ? Outcome.Unknown : outcome;

    private static void Tell(Outcome outcome, Action done, Action open)
    {
        if (outcome != Outcome.Refused)
        {
            (outcome == Outcome.Acknowledged ? done : open)();
        }
    }
}
