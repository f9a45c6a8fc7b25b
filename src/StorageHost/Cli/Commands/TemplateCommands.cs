using System.CommandLine;
using StorageHost.Cli.Completing;
using StorageHost.Cli.Connecting;
using StorageHost.Cli.Jobs;
using StorageHost.Cli.Output;
using StorageHost.Cli.Uploading;

namespace StorageHost.Cli.Commands;

/// <summary><c>storagehost template</c>.</summary>
internal static class TemplateCommands
{
    private static readonly Argument<string> Image = Building.Word("IMAGE", "the template", LiveNames.Images);
    private static readonly Argument<string> New = Building.Word("IMAGE", "the name that the template is to have");
    private static readonly Argument<string> File = Building.Word("FILE", "the image: a file of this machine");
    private static readonly Argument<string> Url = Building.Word("URL", "where the daemon fetches the image");
    private static readonly Argument<string> Host = Building.Word("HOST", "the host whose system disk is copied", LiveNames.Hosts);
    private static readonly Option<bool> Replace = Building.Flag("--replace", "take the place of the template of that name");
    private static readonly Option<bool> Off = Building.Flag("--off", "no longer");
    private static readonly Option<string> Format = Building.Value("--format", "FORMAT", "raw or qcow2: refuse anything else");
    private static readonly Option<string> Sha256 = Building.Value("--sha256", "DIGEST", "the SHA-256 that the image must have");

    public static IReadOnlyList<Column> Columns { get; } =
    [
        new("IMAGE", "image"), new("FORMAT", "format"), new("VIRTUAL", "virtual_size_bytes", ColumnKind.Bytes),
        new("SIZE", "size_bytes", ColumnKind.Bytes), new("ALLOCATED", "allocated_bytes", ColumnKind.Bytes, IsWide: true),
        new("READY", "pool.ready"), new("WANTED", "pool.wanted"), new("PROTECTED", "protected"),
        new("CLONES", "linked_clones", IsWide: true), new("VERSIONS", "versions", ColumnKind.Count, IsWide: true),
        new("SOURCE", "source", IsWide: true), new("CREATED", "created", ColumnKind.Time), new("SHA256", "sha256", IsWide: true),
        new("PROBLEM", "problem", IsWide: true),
    ];

    private static readonly Column[] Removed = [new("IMAGE", "image"), new("REMOVED", "removed", ColumnKind.List)];

    public static Command Build() => new("template")
    {
        Building.Verb("list", "all templates", session => session.ListAsync("/templates", "templates", Columns)),
        Building.Verb("show", "one template, with everything", session => session.ShowAsync(PathOf(session), Columns), Image),
        Building.Verb(
            "upload", "sends an image; goes on by itself after a break, on another node too", UploadAsync, New, File, Replace, Format,
            Change.DryRun),
        Building.Verb(
            "import", "has the daemon fetch an image", ImportAsync, New, Url, Sha256, Replace, JobWait.Wait, Change.DryRun),
        Building.Verb(
            "capture", "makes a template of a host's system disk, which no guest has open", CaptureAsync, New, Host, Replace, JobWait.Wait,
            Change.DryRun),
        Building.Verb("rollback", "makes the version before the template again", RollbackAsync, Image, Change.DryRun),
        Building.Verb("protect", "keeps a template from being deleted or replaced", ProtectAsync, Image, Off, Change.DryRun),
        Building.Verb("delete", "deletes a template, its ready copies and its level", DeleteAsync, Image, Change.Yes, Change.DryRun),
    };

    private static string PathOf(Session session) => $"/templates/{Building.Escape(session[Image])}";

    private static Task<int> UploadAsync(Session session) => new Uploader(
        session, new UploadWish(session[New], session[File], session[Format], session[Replace], session[Change.DryRun])).RunAsync();

    private static async Task<int> ImportAsync(Session session)
    {
        var request = ClientRequest.Send(
            HttpMethod.Post, "/templates", ("image", session[New]), ("url", session[Url]), ("sha256", session[Sha256]),
            ("replace", session[Replace] ? true : null));
        return await Change.IsDryAsync(session, request) ? ClientExit.Ok : await JobWait.RunAsync(session, request);
    }

    private static async Task<int> CaptureAsync(Session session)
    {
        var request = ClientRequest.Send(
            HttpMethod.Post, "/templates", ("image", session[New]), ("host", session[Host]), ("replace", session[Replace] ? true : null));
        return await Change.IsDryAsync(session, request) ? ClientExit.Ok : await JobWait.RunAsync(session, request);
    }

    private static async Task<int> RollbackAsync(Session session)
    {
        var request = new ClientRequest(HttpMethod.Post, $"{PathOf(session)}/rollback");
        return await Change.IsDryAsync(session, request, PathOf(session)) ? ClientExit.Ok : await session.DoAsync(request, Columns);
    }

    private static async Task<int> ProtectAsync(Session session)
    {
        var request = ClientRequest.Send(HttpMethod.Patch, PathOf(session), ("protected", !session[Off]));
        return await Change.IsDryAsync(session, request, PathOf(session)) ? ClientExit.Ok : await session.DoAsync(request, Columns);
    }

    private static async Task<int> DeleteAsync(Session session)
    {
        var request = new ClientRequest(HttpMethod.Delete, PathOf(session));
        if (await Change.IsDryAsync(session, request, PathOf(session)))
        {
            return ClientExit.Ok;
        }

        Change.Confirm(session, $"Delete the template {session[Image]}, its ready copies and its versions?");
        return await session.DoAsync(request, Removed);
    }
}
