using StorageHost.Cli.Commands;
using StorageHost.Cli.Connecting;
using StorageHost.Cli.Jobs;
using StorageHost.Cli.Output;

namespace StorageHost.Cli.Uploading;

/// <summary>
/// Sends an image, and goes on after whatever breaks it off: on the same server or on another one, where the last durable byte was. An
/// upload that was left goes on in the same way.
/// </summary>
internal sealed class Uploader(Session session, UploadWish wish)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>For how long it is tried in vain.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly UploadClient client = new(session.Servers, wish);
    private readonly TimeProvider time = TimeProvider.System;
    private RemoteUpload? upload;
    private Answer? made;

    public async Task<int> RunAsync()
    {
        using var image = new LocalImage(wish.File);
        if (wish.IsDry)
        {
            var request = client.Beginning(image.Length, "<computed>");
            await session.GetAsync("/uploads");
            Printer.Write($"would send: {request.Method} {request.Path} {request.Body}\n");
            return ClientExit.Ok;
        }

        using var interrupts = new Interrupts();
        try
        {
            var code = await Bar.RunAsync(wish.Image, tell => SendAsync(image, tell, interrupts.First));
            session.Printer.Show(made!.Body, [made.Json], TemplateCommands.Columns);
            return code;
        }
        catch (OperationCanceledException) when (interrupts.First.IsCancellationRequested)
        {
            return await LeaveAsync(interrupts);
        }
    }

    private async Task<int> SendAsync(LocalImage image, Action<Progress> tell, CancellationToken cancellationToken)
    {
        var digest = await image.DigestAsync(
            done => tell(new Progress(done, image.Length, $"digest  {Bar.Describe(done, image.Length, 0)}")), cancellationToken);
        upload = await client.FindOrBeginAsync(image.Length, digest, cancellationToken);
        if (upload.Offset > 0)
        {
            Printer.Say($"going on with the upload {upload.Id} at byte {upload.Offset}");
        }

        var (furthest, since) = (upload.Offset, time.GetTimestamp());
        while (await TrySendAsync(image, digest, tell, cancellationToken) is { } fault)
        {
            if (upload.Offset > furthest)
            {
                (furthest, since) = (upload.Offset, time.GetTimestamp());
            }
            else if (time.GetElapsedTime(since) > Patience)
            {
                throw new ClientException(ClientExit.Unavailable, $"{fault}; the same command goes on at byte {furthest}");
            }

            Printer.Say($"{fault}; going on in a moment");
            await Task.Delay(Pause, cancellationToken);
        }

        return ClientExit.Ok;
    }

    /// <summary>Asks how far it is, and sends the rest.</summary>
    /// <returns>Null when the template is there; else what was in the way, which may pass.</returns>
    private async Task<string?> TrySendAsync(LocalImage image, string digest, Action<Progress> tell, CancellationToken cancellationToken)
    {
        try
        {
            if (await client.GetAsync(upload!.Id, cancellationToken) is not { } current)
            {
                made = await client.FindMadeAsync(digest, cancellationToken);
                return made is not null ? null : throw new ClientException(ClientExit.Failed, "the upload was cancelled, or refused");
            }

            upload = current;
            var (started, from) = (time.GetTimestamp(), current.Offset);
            var answer = await UploadClient.SendAsync(
                current, image, at => tell(ProgressOf(at, image.Length, at - from, time.GetElapsedTime(started))), cancellationToken);
            if (answer.IsOk)
            {
                made = answer;
                return null;
            }

            return answer.Status is 408 or 429 or 502 or 503 or 504 || answer.Code is "upload_conflict" or "upload_not_found"
                ? answer.Message
                : throw answer.Refusal(isRead: false);
        }
        catch (ClientException nobody) when (nobody.Code == ClientExit.Unavailable)
        {
            return nobody.Message;
        }
        catch (Exception fault) when (fault is HttpRequestException or IOException
            || (fault is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // What the file itself refuses comes wrapped in what the connection makes of it.
            return fault.GetBaseException() is ClientException own ? throw own : $"{upload!.At.Address}: the connection broke off";
        }
    }

    private static Progress ProgressOf(long at, long length, long sent, TimeSpan elapsed) =>
        at == length ? new Progress(at, length, "sent; the server checks it")
        : new Progress(at, length, Bar.Describe(at, length, (long)(sent / Math.Max(elapsed.TotalSeconds, 0.001))));

    private async Task<int> LeaveAsync(Interrupts interrupts)
    {
        if (upload is null)
        {
            return ClientExit.Interrupted;
        }

        Printer.Say($"what has come of the upload {upload.Id} stays; the same command goes on with it. Ctrl-C once more, now, cancels it");
        if (!await interrupts.IsTwiceAsync())
        {
            return ClientExit.Interrupted;
        }

        await client.CancelAsync(upload.Id);
        Printer.Say("the upload is cancelled");
        return ClientExit.Cancelled;
    }
}
