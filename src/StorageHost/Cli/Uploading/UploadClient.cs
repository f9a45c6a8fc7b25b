using System.Globalization;
using System.Text.Json;
using StorageHost.Cli.Connecting;

namespace StorageHost.Cli.Uploading;

/// <summary>An upload as a server tells of it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Offset">How many bytes are durable.</param>
/// <param name="At">The server that told.</param>
internal sealed record RemoteUpload(string Id, long Offset, ServerConnection At);

/// <summary>The requests of an upload.</summary>
internal sealed class UploadClient(Servers servers, UploadWish wish)
{
    public static readonly TimeSpan Stall = TimeSpan.FromSeconds(30);

    /// <summary>At the end the server checks and moves the whole, which may take long.</summary>
    private static readonly TimeSpan Finish = TimeSpan.FromMinutes(30);

    /// <summary>The request that begins one.</summary>
    public ClientRequest Beginning(long length, string? digest) => ClientRequest.Send(
        HttpMethod.Post, "/uploads", ("image", wish.Image), ("size_bytes", length), ("sha256", digest), ("format", wish.Format),
        ("replace", wish.Replace ? true : null));

    /// <summary>Continues one of the same content that was left, or begins one.</summary>
    public async Task<RemoteUpload> FindOrBeginAsync(long length, string digest, CancellationToken cancellationToken)
    {
        var listed = await servers.SendAsync(ClientRequest.Get("/uploads"), cancellationToken);
        foreach (var upload in Session.Rows(listed, "uploads"))
        {
            if (Text(upload, "image") == wish.Image && Text(upload, "sha256") == digest && Number(upload, "size_bytes") == length
                && upload.GetProperty("replace").ValueKind == (wish.Replace ? JsonValueKind.True : JsonValueKind.False))
            {
                return new RemoteUpload(Text(upload, "id"), Number(upload, "offset"), listed.From);
            }
        }

        var begun = await servers.SendAsync(Beginning(length, digest), cancellationToken);
        return new RemoteUpload(Text(begun.Json, "id"), Number(begun.Json, "offset"), begun.From);
    }

    /// <summary>How far it is; null when there is none of this id.</summary>
    public async Task<RemoteUpload?> GetAsync(string id, CancellationToken cancellationToken)
    {
        var answer = await servers.AskAsync(ClientRequest.Get($"/uploads/{id}"), cancellationToken);
        return answer.Status == 404 ? null
            : answer.IsOk ? new RemoteUpload(id, Number(answer.Json, "offset"), answer.From)
            : throw answer.Refusal(isRead: true);
    }

    /// <summary>The template, when it holds what was sent; else null.</summary>
    public async Task<Answer?> FindMadeAsync(string digest, CancellationToken cancellationToken)
    {
        var answer = await servers.AskAsync(ClientRequest.Get($"/templates/{Uri.EscapeDataString(wish.Image)}"), cancellationToken);
        return answer.IsOk && Text(answer.Json, "sha256") == digest ? answer : null;
    }

    /// <summary>Sends all that is left. A sender that gets rid of no byte for a while gives up.</summary>
    public static async Task<Answer> SendAsync(
        RemoteUpload upload, LocalImage image, Action<long> sent, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Stall);
        using var content = new PieceContent(image, upload.Offset, at =>
        {
            limit.CancelAfter(at < image.Length ? Stall : Finish);
            sent(at);
        });
        if (upload.Offset == image.Length)
        {
            limit.CancelAfter(Finish);
        }

        content.Headers.TryAddWithoutValidation("Content-Type", "application/partial-upload");
        using var message = new HttpRequestMessage(HttpMethod.Patch, $"/uploads/{upload.Id}") { Content = content };
        message.Headers.Add("Upload-Offset", upload.Offset.ToString(CultureInfo.InvariantCulture));

        // A refusal then comes before the content is sent, and is not lost with the connection.
        message.Headers.ExpectContinue = true;
        return await upload.At.SendAsync(message, limit.Token);
    }

    /// <summary>Cancels it.</summary>
    public Task<Answer> CancelAsync(string id) => servers.SendAsync(new ClientRequest(HttpMethod.Delete, $"/uploads/{id}"));

    private static string Text(JsonElement json, string member) =>
        json.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    private static long Number(JsonElement json, string member) =>
        json.TryGetProperty(member, out var value) && value.TryGetInt64(out var number) ? number
        : throw new ClientException(ClientExit.Internal, $"the answer has no {member}");
}
