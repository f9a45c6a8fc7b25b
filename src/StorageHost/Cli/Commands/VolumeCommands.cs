using System.CommandLine;
using System.Text;
using System.Text.Json;
using StorageHost.Cli.Completing;
using StorageHost.Cli.Connecting;
using StorageHost.Cli.Output;

namespace StorageHost.Cli.Commands;

/// <summary><c>storagehost volume</c>: the volumes of the image storage, of whatever kind.</summary>
internal static class VolumeCommands
{
    private static readonly (string Member, string Kind)[] Kinds =
        [("volumes", "local"), ("external_volumes", "external"), ("gluster_volumes", "gluster")];

    private static readonly Argument<string> Id = Building.Word("VOLUME", "the volume", LiveNames.Volumes);

    private static readonly Column[] Columns =
    [
        new("VOLUME", "volume_id"), new("KIND", "kind"), new("STATUS", "status"), new("TOTAL", "total_space", ColumnKind.Kibibytes),
        new("FREE", "free_space", ColumnKind.Kibibytes), new("IMAGES", "images", ColumnKind.Count),
        new("CLONES", "clones", ColumnKind.Count, IsWide: true), new("TYPE", "type", IsWide: true),
        new("CONFIGURATION", "configuration", IsWide: true), new("BRICKS", "bricks", ColumnKind.List, IsWide: true),
        new("MESSAGE", "status_msg"),
    ];

    public static Command Build() => new("volume")
    {
        Building.Verb("list", "all volumes", ListAsync),
        Building.Verb("show", "one volume, with everything", ShowAsync, Id),
    };

    /// <summary>The image storage with everything that the daemon knows of it.</summary>
    public static async Task<Answer> StorageAsync(Session session)
    {
        var ids = Session.Rows(await session.GetAsync("/imagestorages"), "image_storages");
        return ids is [var id, ..]
            ? await session.GetAsync($"/imagestorages/{Building.Escape(id.GetString() ?? "")}")
            : throw new ClientException(ClientExit.Internal, "the daemon names no image storage");
    }

    /// <summary>Its volumes, each with its kind.</summary>
    public static IReadOnlyList<JsonElement> Volumes(Answer storage)
    {
        var volumes = new List<JsonElement>();
        foreach (var (member, kind) in Kinds)
        {
            foreach (var volume in Session.Rows(storage, member))
            {
                using var row = JsonDocument.Parse($"{{\"kind\":\"{kind}\",{volume.GetRawText().AsSpan(1)}");
                volumes.Add(row.RootElement.Clone());
            }
        }

        return volumes;
    }

    private static async Task<int> ListAsync(Session session)
    {
        var storage = await StorageAsync(session);
        session.Printer.Show(storage.Body, Volumes(storage), Columns);
        return ClientExit.Ok;
    }

    private static async Task<int> ShowAsync(Session session)
    {
        var storage = await StorageAsync(session);
        var volumes = Volumes(storage);
        var wanted = volumes.FirstOrDefault(volume => volume.GetProperty("volume_id").GetString() == session[Id]);
        if (wanted.ValueKind == JsonValueKind.Undefined)
        {
            var known = string.Join(", ", volumes.Select(volume => volume.GetProperty("volume_id").GetString()));
            throw new ClientException(ClientExit.NotFound, $"there is no volume {session[Id]}; there is {known}");
        }

        var own = Kinds.SelectMany(kind => Session.Rows(storage, kind.Member))
            .First(volume => volume.GetProperty("volume_id").GetString() == session[Id]);
        session.Printer.ShowOne(Encoding.UTF8.GetBytes(own.GetRawText()), wanted, Columns);
        return ClientExit.Ok;
    }
}
