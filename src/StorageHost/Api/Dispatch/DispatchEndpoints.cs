using System.Diagnostics;
using FluentValidation.Results;
using Microsoft.AspNetCore.Http.HttpResults;
using StorageHost.Api.Errors;
using StorageHost.Images;

namespace StorageHost.Api.Dispatch;

/// <summary>The verbs on <c>/</c>: what the payload says is to be done.</summary>
internal static class DispatchEndpoints
{
    private const string RespondAsync = "respond-async";

    private const string PostDescription = """
        `dup` sets how many ready copies each image keeps: a level, not an increment. It answers at once and a job fills the pools.
        `setimage` answers when the disk is whole and durable; with `Prefer: respond-async` at once, as a job.
        With a `size` the disk has so many GiB; without one, or with 0, it has the template's size.
        `addstorage` makes an empty data disk of so many GiB.
        With an `Idempotency-Key`, a `setimage` or `addstorage` that got no answer can be sent again and has the outcome of the first.
        Members match in any letter case; unknown and null ones are ignored; the Content-Type does not matter.
        """;

    public static void MapDispatch(this IEndpointRouteBuilder api)
    {
        var dispatch = api.MapGroup("/").WithTags("Dispatch");
        dispatch.MapGet("/", DispatchAsync).WithName("get")
            .WithSummary("Lists the templates")
            .WithDescription("The members may stand in a JSON body instead of the query.")
            .RequireAuthorization(Scopes.Read)
            .Produces<ImagesAnswer>().Refuses(400, 413, 503, 504);
        dispatch.MapPost("/", DispatchAsync).WithName("post")
            .WithSummary("dup: sets pool levels; setimage: publishes a system disk; addstorage: makes a data disk")
            .WithDescription(PostDescription)
            .RequireAuthorization(Scopes.Provision)
            .Produces<DiskAnswer>().Produces<JobAnswer>(StatusCodes.Status202Accepted)
            .Refuses(400, 404, 409, 413, 422, 429, 503, 504, 507);
        dispatch.MapDelete("/", DispatchAsync).WithName("delete")
            .WithSummary("host: deletes a VM's disk; disk: deletes one data disk; image: deletes a template")
            .WithDescription("""
                `host` deletes the system disk; the data disks stay unless `purge` is true.
                `disk` deletes the data disk of that whole name, and nothing else.
                `image` deletes that template, its copies and its wanted level.
                The members may stand in a JSON body instead of the query.
                """)
            .RequireAuthorization(Scopes.Destroy)
            .Produces<RemovedHostAnswer>().Refuses(400, 404, 409, 413, 503, 504);
    }

    private static async Task<IResult> DispatchAsync(
        HttpContext context, CommandReader reader, ImageCacheService images, CancellationToken cancellationToken)
    {
        var request = context.Request;
        var body = await RequestBody.ReadAsync(request, cancellationToken);
        var command = reader.Read(
            request.Method, body, request.Query, request.Headers.TryGetValue(IdempotencyKey.Header, out var key) ? key.ToString() : null);
        context.Features.Get<AuditedChange>()?.What = command.ToString();
        switch (command)
        {
            case ListImages:
                return TypedResults.Ok(ImagesAnswer.Of(await images.ListImagesAsync(cancellationToken)));
            case SetLevels(var levels):
                return TypedResults.Ok(PoolsAnswer.Of(await images.SetLevelsAsync(levels, cancellationToken)));
            case SetImage asked:
                return await SetImageAsync(context, asked, images, cancellationToken);
            case AddStorage(var hostname, var sizeGb, var name):
                return TypedResults.Ok(DataDiskAnswer.Of(await images.AddStorageAsync(hostname, sizeGb, name, cancellationToken)));
            case DeleteHost(var hostname, var purge):
                return TypedResults.Ok(RemovedHostAnswer.Of(await images.DeleteHostAsync(hostname, purge, cancellationToken)));
            case DeleteDisk(var disk):
                return TypedResults.Ok(RemovedDiskAnswer.Of(await images.DeleteDiskAsync(disk, cancellationToken)));
            case DeleteImage(var image):
                return TypedResults.Ok(RemovedImageAnswer.Of(await images.DeleteImageAsync(image, cancellationToken)));
            default:
                throw new UnreachableException();
        }
    }

    private static async Task<IResult> SetImageAsync(
        HttpContext context, SetImage asked, ImageCacheService images, CancellationToken cancellationToken)
    {
        var (image, hostname, key, size) = asked;
        try
        {
            return PrefersAsync(context.Request)
                ? Accepted(context.Response, JobAnswer.Of(await images.StartSetImageAsync(image, hostname, size, key, cancellationToken)))
                : TypedResults.Ok(DiskAnswer.Of(await images.SetImageAsync(image, hostname, size, key, cancellationToken)));
        }
        catch (RefusedException refused) when (refused.Reason == Refusal.InvalidSize)
        {
            throw new InvalidRequestException([new ValidationFailure($"{Wire.CreateVmForm}.{Wire.Size}", refused.Message)]);
        }
    }

    private static Accepted<JobAnswer> Accepted(HttpResponse response, JobAnswer job)
    {
        response.Headers["Preference-Applied"] = RespondAsync;
        return TypedResults.Accepted($"/jobs/{Uri.EscapeDataString(job.Id)}", job);
    }

    /// <summary>RFC 7240: preferences in any letter case, between commas, each with parameters after a semicolon.</summary>
    public static bool PrefersAsync(HttpRequest request) => request.Headers.GetCommaSeparatedValues("Prefer")
        .Any(preference => preference.Split(';')[0].Trim().Equals(RespondAsync, StringComparison.OrdinalIgnoreCase));
}
