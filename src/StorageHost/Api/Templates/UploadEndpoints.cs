using System.Globalization;
using FluentValidation.Results;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using StorageHost.Api.Dispatch;
using StorageHost.Api.Errors;
using StorageHost.Images;
using StorageHost.Images.Names;
using StorageHost.Images.Templates;

namespace StorageHost.Api.Templates;

/// <summary>Templates that are sent in pieces: after an interruption, and to any daemon of the volume.</summary>
internal static class UploadEndpoints
{
    private const string Size = "size_bytes";
    private const string Format = "format";
    private const string Replace = "replace";

    public static void MapUploads(this IEndpointRouteBuilder api)
    {
        var uploads = api.MapGroup("/uploads").WithTags("Uploads");
        uploads.MapGet("", ListAsync).WithName("uploads").WithSummary("All uploads on the volume, the oldest first")
            .RequireAuthorization(Scopes.Read).Refuses(503, 504);
        uploads.MapPost("", PostAsync).WithName("beginUpload")
            .WithSummary("Begins an upload: {\"image\":\"centos\",\"size_bytes\":1073741824}")
            .WithDescription("""
                `sha256` is compared before the template gets its name, `format` (`raw` or `qcow2`) with what is found in it.
                With `"replace":true` it takes the place of the template of that name, which is kept as a version.
                The pieces go to the address in `Location`, on any node.
                """)
            .RequireAuthorization(Scopes.Import).Refuses(400, 409, 413, 429, 503, 504, 507);
        uploads.MapGet("/{id}", GetAsync).WithName("upload").WithSummary("One upload")
            .RequireAuthorization(Scopes.Read).Refuses(404, 503, 504);
        uploads.MapMethods("/{id}", [HttpMethods.Head], HeadAsync).WithName("headUpload")
            .WithSummary("How far an upload is: Upload-Offset and Upload-Length").RequireAuthorization(Scopes.Read).Refuses(404, 503, 504);
        uploads.MapPatch("/{id}", PatchAsync).WithName("continueUpload").WithSummary("Adds the body to an upload")
            .WithDescription("""
                `Upload-Offset` says where the piece begins; it must be where the upload goes on, else the answer is 409 and says where.
                A piece may be of any length. What has come before a connection breaks off stays.
                A newer piece ends an older one that still comes. The last byte makes the template, which is the answer then.
                """)
            .RequireAuthorization(Scopes.Import).Produces<TemplateInfoAnswer>().Refuses(400, 404, 408, 409, 413, 422, 503, 504, 507);
        uploads.MapDelete("/{id}", DeleteAsync).WithName("cancelUpload").WithSummary("Cancels an upload; what has come of it goes")
            .RequireAuthorization(Scopes.Destroy).Refuses(404, 409, 503, 504);
    }

    private static async Task<Ok<UploadsAnswer>> ListAsync(
        UploadService uploads, IOptions<ImportOptions> options, CancellationToken cancellationToken) =>
        TypedResults.Ok(new UploadsAnswer([.. (await uploads.ListAsync(cancellationToken)).Select(status => Answer(status, options))]));

    private static async Task<Created<UploadAnswer>> PostAsync(
        HttpContext context, FileNames names, UploadService uploads, IOptions<ImportOptions> options, TimeProvider time,
        CancellationToken cancellationToken)
    {
        using var document = RequestBody.Parse(await RequestBody.ReadAsync(context.Request, cancellationToken));
        var faults = new List<ValidationFailure>();
        var body = new PayloadReader(document.RootElement, QueryCollection.Empty, faults);
        var image = names.Image(body.Text(Wire.Image));
        var (size, digest, format, replaces) =
            (body.Number(Size), body.Text(ExpectedDigest.Parameter), body.Text(Format, StringComparison.OrdinalIgnoreCase),
                body.Flag(Replace) ?? false);
        if (image.NewFault() is { } fault)
        {
            faults.Add(new ValidationFailure(Wire.Image, fault));
        }

        if (size is not >= 1)
        {
            faults.Add(new ValidationFailure(Size, "must be the size of the whole image, 1 or more"));
        }

        var sha256 = digest is null ? null : ExpectedDigest.FromHex(digest, faults);
        ImageFormat? known = format?.ToLowerInvariant() switch { "raw" => ImageFormat.Raw, "qcow2" => ImageFormat.Qcow2, _ => null };
        if (format is not null && known is null)
        {
            faults.Add(new ValidationFailure(Format, "must be raw or qcow2"));
        }

        if (faults.Count > 0)
        {
            throw new InvalidRequestException(faults);
        }

        context.Features.Get<AuditedChange>()?.What = $"begin upload of template {image.Value}";
        var upload = new Upload(UploadId.New(), image.Value, size!.Value, sha256, known, replaces, time.GetUtcNow());
        var status = await uploads.BeginAsync(upload, cancellationToken);
        WriteOffset(context, status);
        return TypedResults.Created($"/uploads/{status.Upload.Id}", Answer(status, options));
    }

    private static async Task<Ok<UploadAnswer>> GetAsync(
        string id, HttpContext context, UploadService uploads, IOptions<ImportOptions> options, CancellationToken cancellationToken)
    {
        var status = await uploads.GetAsync(Parse(id), cancellationToken);
        WriteOffset(context, status);
        return TypedResults.Ok(Answer(status, options));
    }

    private static async Task<EmptyHttpResult> HeadAsync(
        string id, HttpContext context, UploadService uploads, CancellationToken cancellationToken)
    {
        WriteOffset(context, await uploads.GetAsync(Parse(id), cancellationToken));
        return TypedResults.Empty;
    }

    private static async Task<IResult> PatchAsync(
        string id, HttpContext context, UploadService uploads, IOptions<ImportOptions> options, TimeProvider time,
        CancellationToken cancellationToken)
    {
        UploadBody.LiftLimits(context);
        var request = context.Request;
        if (!long.TryParse(request.Headers[UploadHeaders.Offset], NumberStyles.None, CultureInfo.InvariantCulture, out var offset))
        {
            throw new InvalidRequestException(
                [new ValidationFailure(UploadHeaders.Offset, "must be where the piece begins, in bytes; HEAD tells it")]);
        }

        context.Features.Get<AuditedChange>()?.What = $"continue upload {Echo.Of(id)} at {offset}";
        var content = new UploadBody(request.Body, options.Value.StallTimeout, time);
        await using (content)
        {
            var (upload, template) = await uploads.AppendAsync(Parse(id), offset, request.ContentLength, content, cancellationToken);
            WriteOffset(context, upload);
            return template is null ? TypedResults.Ok(Answer(upload, options)) : TypedResults.Ok(TemplateInfoAnswer.Of(template));
        }
    }

    private static async Task<Ok<UploadAnswer>> DeleteAsync(
        string id, HttpContext context, UploadService uploads, IOptions<ImportOptions> options, CancellationToken cancellationToken)
    {
        context.Features.Get<AuditedChange>()?.What = $"cancel upload {Echo.Of(id)}";
        return TypedResults.Ok(Answer(await uploads.CancelAsync(Parse(id), cancellationToken), options));
    }

    // What cannot be an id is the id of no upload.
    private static UploadId Parse(string id) =>
        UploadId.TryParse(id, out var parsed) ? parsed : throw new RefusedException(Refusal.UploadNotFound, "there is no such upload");

    private static UploadAnswer Answer(UploadStatus status, IOptions<ImportOptions> options) =>
        UploadAnswer.Of(status, options.Value.UploadLifetime);

    private static void WriteOffset(HttpContext context, UploadStatus status)
    {
        var headers = context.Response.Headers;
        headers[UploadHeaders.Offset] = status.Offset.ToString(CultureInfo.InvariantCulture);
        headers[UploadHeaders.Length] = status.Upload.Length.ToString(CultureInfo.InvariantCulture);
        headers.CacheControl = "no-store";
    }
}
