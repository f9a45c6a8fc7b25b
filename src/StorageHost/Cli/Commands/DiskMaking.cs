using System.CommandLine;
using System.Text.Json;
using StorageHost.Cli.Completing;
using StorageHost.Cli.Connecting;
using StorageHost.Cli.Jobs;
using StorageHost.Cli.Output;

namespace StorageHost.Cli.Commands;

/// <summary>
/// <c>storagehost disk create</c> and <c>add</c>. Each request has a key, so that it can be sent again, to another server too, and is done
/// once.
/// </summary>
internal static class DiskMaking
{
    public const int MostGb = 1 << 20;

    /// <summary>Longer than a daemon lets its callers wait for a copy, unless it is told otherwise.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(31);

    private static readonly Argument<string> Host = Building.Word("HOST", "the virtual machine");
    private static readonly Argument<string> Image = Building.Word("IMAGE", "the template", LiveNames.Images);
    private static readonly Argument<string> DataSize = Building.Word("SIZE", "GiB");
    private static readonly Option<string> Size = Building.Value("--size", "GIB", "larger than the template");
    private static readonly Option<bool> Linked = Building.Flag("--linked", "a linked clone instead of a full copy");
    private static readonly Option<bool> Async = Building.Flag("--async", "do not wait: show the job that makes it");

    private static readonly Column[] SystemDisk =
    [
        new("HOST", "hostname"), new("IMAGE", "image"), new("DISK", "disk"), new("SOURCE", "source"),
        new("SIZE_GB", "size_gb", IsWide: true), new("LINKED", "linked", IsWide: true),
    ];

    private static readonly Column[] DataDisk = [new("HOST", "hostname"), new("DISK", "disk"), new("SIZE_GB", "size_gb")];

    public static Command Create() => Building.Verb(
        "create", "publishes a copy of a template as a host's system disk, and ends when it is whole", CreateAsync, Host, Image, Size,
        Linked, JobWait.Wait, Async, Change.Key, Change.DryRun);

    public static Command Add() =>
        Building.Verb("add", "makes an empty data disk", AddAsync, Host, DataSize, Change.Key, Change.DryRun);

    private static async Task<int> CreateAsync(Session session)
    {
        var (size, linked) = (session.Number(Size, 1, MostGb), session[Linked]);
        var form = ClientRequest.Json(
            ("image", session[Image]), ("hostname", session[Host]), ("size", size), ("linked", linked ? true : null));
        var request = ClientRequest.Send(HttpMethod.Post, "/", ("action", "setimage"), ("createvmform", form)) with
        {
            Key = Change.KeyOf(session),
            IsAsync = session[JobWait.Wait] || session[Async],
            Timeout = Patience,
        };
        if (await Change.IsDryAsync(session, request, $"/templates/{Building.Escape(session[Image])}"))
        {
            return ClientExit.Ok;
        }

        var answer = await session.SendAsync(request);
        if (request.IsAsync)
        {
            return session[JobWait.Wait]
                ? await FollowAsync(session, request, answer)
                : await JobWait.EndAsync(session, answer, answer.Json);
        }

        session.Printer.Show(answer.Body, [answer.Json], SystemDisk);
        return IgnoredWish(answer.Json, size, linked) is { } wish ? throw new ClientException(ClientExit.Failed, wish) : ClientExit.Ok;
    }

    /// <summary>A job ends with its daemon; the same request then goes to the next server, and is done once all the same.</summary>
    private static async Task<int> FollowAsync(Session session, ClientRequest request, Answer answer)
    {
        while (true)
        {
            try
            {
                return await JobWait.EndAsync(session, answer, answer.Json);
            }
            catch (ClientException lost) when (lost.Code == ClientExit.OutcomeUnknown)
            {
                Printer.Say($"{lost.Message}; asking once more with the same key");
                answer = await session.SendAsync(request);
            }
        }
    }

    /// <summary>What a daemon that does not know it has ignored; null when nothing.</summary>
    internal static string? IgnoredWish(JsonElement answer, int? size, bool linked) =>
        size is not null && !answer.TryGetProperty("size_gb", out _)
            ? "this daemon does not know --size: the disk is there, as large as its template"
        : linked && !answer.TryGetProperty("linked", out _) ? "this daemon does not know --linked: the disk is there, as a full copy"
        : null;

    private static async Task<int> AddAsync(Session session)
    {
        var info = ClientRequest.Json(("hostname", session[Host]), ("size", GlobalOptions.Number("SIZE", session[DataSize], 1, MostGb)));
        var request = ClientRequest.Send(HttpMethod.Post, "/", ("action", "addstorage"), ("storageinfo", info)) with
        {
            Key = Change.KeyOf(session),
        };
        return await Change.IsDryAsync(session, request) ? ClientExit.Ok : await session.DoAsync(request, DataDisk);
    }
}
