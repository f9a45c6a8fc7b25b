using System.CommandLine;
using System.Text;
using StorageHost.Cli.Completing;
using StorageHost.Cli.Connecting;
using StorageHost.Cli.Jobs;
using StorageHost.Cli.Output;

namespace StorageHost.Cli.Commands;

/// <summary><c>storagehost disk</c>: those that list, show and change disks; see <see cref="DiskMaking"/> for the others.</summary>
internal static class DiskCommands
{
    private const string DataDisk = "_storage_";
    private const string SystemDisk = ".qcow2";

    private static readonly Argument<string> File = Building.Word("DISK", "the disk's file", LiveNames.Disks);
    private static readonly Argument<string> HostOrDisk = Building.Word("HOST|DISK", "a host, or one data disk", LiveNames.Disks);
    private static readonly Argument<string> Deleted = Building.Word("HOST", "the virtual machine whose disks come back");
    private static readonly Argument<string> Id = Building.Word("ID", "the entry of the trash");
    private static readonly Argument<string> Size = Building.Word("SIZE", "GiB");
    private static readonly Option<string> Host = Building.Value("--host", "HOST", "of this virtual machine only", LiveNames.Hosts);
    private static readonly Option<string> Image = Building.Value("--image", "IMAGE", "made from this template only", LiveNames.Images);
    private static readonly Option<string> Kind = Building.Value("--kind", "KIND", "system or data only");
    private static readonly Option<string> After = Building.Value("--after", "DISK", "only those that come after this one");
    private static readonly Option<string> Limit = Building.Value("--limit", "COUNT", "at most so many");
    private static readonly Option<bool> Purge = Building.Flag("--purge", "the data disks of the host too");
    private static readonly Option<bool> Forever = Building.Flag("--forever", "at once, and not into the trash");

    private static readonly Column[] Columns =
    [
        new("DISK", "disk"), new("HOST", "host"), new("KIND", "kind"), new("FORMAT", "format"),
        new("VIRTUAL", "virtual_size_bytes", ColumnKind.Bytes), new("ALLOCATED", "allocated_bytes", ColumnKind.Bytes),
        new("IMAGE", "image"), new("VERSION", "version", IsWide: true), new("LINKED", "linked"), new("OPEN", "open", IsWide: true),
        new("CREATED", "created", ColumnKind.Time),
    ];

    private static readonly Column[] Removed =
        [new("HOST", "hostname"), new("REMOVED", "removed", ColumnKind.List), new("KEPT", "kept", ColumnKind.List)];

    private static readonly Column[] Trash =
    [
        new("ID", "id"), new("HOST", "host"), new("DISK", "disk"), new("ALLOCATED", "allocated_bytes", ColumnKind.Bytes),
        new("DELETED", "deleted", ColumnKind.Time), new("EXPIRES", "expires", ColumnKind.Time),
    ];

    private static readonly Column[] Restored = [new("HOST", "hostname"), new("RESTORED", "restored", ColumnKind.List)];

    public static Command Build()
    {
        var trash = Building.Verb(
            "trash", "the deleted disks that can be brought back", session => session.ListAsync("/trash", "trash", Trash));
        trash.Add(Building.Verb("delete", "deletes a disk of the trash for good", DeleteTrashAsync, Id, Change.Yes, Change.DryRun));
        return new("disk")
        {
            Building.Verb("list", "the disks", ListAsync, Host, Image, Kind, After, Limit),
            Building.Verb("show", "one disk, with everything", session => session.ShowAsync(PathOf(session), Columns), File),
            DiskMaking.Create(),
            DiskMaking.Add(),
            Building.Verb("grow", "makes a disk larger that no guest has open", GrowAsync, File, Size, Change.DryRun),
            Building.Verb("flatten", "makes a linked clone a full disk", FlattenAsync, File, JobWait.Wait, Change.DryRun),
            Building.Verb(
                "delete", "deletes a host's system disk, or one data disk", DeleteAsync, HostOrDisk, Purge, Forever, Change.Yes,
                Change.DryRun),
            Building.Verb("undelete", "brings a host's disks back from the trash", UndeleteAsync, Deleted, Change.DryRun),
            trash,
        };
    }

    private static string PathOf(Session session) => $"/disks/{Building.Escape(session[File])}";

    private static Task<int> ListAsync(Session session)
    {
        var query = new StringBuilder();
        foreach (var option in (ReadOnlySpan<Option<string>>)[Host, Image, Kind, After, Limit])
        {
            if (session[option] is { } value)
            {
                query.Append(query.Length == 0 ? '?' : '&').Append($"{option.Name[2..]}={Building.Escape(value)}");
            }
        }

        return session.ListAsync($"/disks{query}", "disks", Columns);
    }

    private static async Task<int> GrowAsync(Session session)
    {
        var request = ClientRequest.Send(
            HttpMethod.Post, PathOf(session), ("size_gb", GlobalOptions.Number("SIZE", session[Size], 1, DiskMaking.MostGb)));
        return await Change.IsDryAsync(session, request, PathOf(session)) ? ClientExit.Ok : await session.DoAsync(request, Columns);
    }

    private static async Task<int> FlattenAsync(Session session)
    {
        var request = new ClientRequest(HttpMethod.Post, $"{PathOf(session)}/flatten");
        return await Change.IsDryAsync(session, request, PathOf(session)) ? ClientExit.Ok : await JobWait.RunAsync(session, request);
    }

    private static async Task<int> DeleteAsync(Session session)
    {
        var request = Deletion(session[HostOrDisk], session[Purge], session[Forever]);
        if (await Change.IsDryAsync(session, request))
        {
            return ClientExit.Ok;
        }

        var what = $"{session[HostOrDisk]}{(session[Purge] ? " and its data disks" : "")}{(session[Forever] ? " for good" : "")}";
        Change.Confirm(session, $"Delete the disk of {what}?");
        return await session.DoAsync(request, Removed);
    }

    /// <summary>No hostname holds what the name of each data disk does.</summary>
    internal static ClientRequest Deletion(string name, bool purge, bool forever)
    {
        var isData = name.Contains(DataDisk, StringComparison.Ordinal);
        if (isData && purge)
        {
            throw new ClientException(ClientExit.Usage, $"--purge is for a host; {name} is one data disk");
        }

        var target = !isData && name.EndsWith(SystemDisk, StringComparison.Ordinal) ? name[..^SystemDisk.Length] : name;
        var options = (purge ? "&purge=true" : "") + (forever ? "&forever=true" : "");
        return new ClientRequest(HttpMethod.Delete, $"/?action={(isData ? "disk" : "host")}&target={Building.Escape(target)}{options}");
    }

    private static async Task<int> DeleteTrashAsync(Session session)
    {
        var request = new ClientRequest(HttpMethod.Delete, $"/trash/{Building.Escape(session[Id])}");
        if (await Change.IsDryAsync(session, request, "/trash"))
        {
            return ClientExit.Ok;
        }

        Change.Confirm(session, $"Delete {session[Id]} of the trash for good?");
        return await session.DoAsync(request, Trash);
    }

    private static async Task<int> UndeleteAsync(Session session)
    {
        var request = ClientRequest.Send(HttpMethod.Post, "/", ("action", "undelete"), ("target", session[Deleted]));
        return await Change.IsDryAsync(session, request, "/trash") ? ClientExit.Ok : await session.DoAsync(request, Restored);
    }
}
