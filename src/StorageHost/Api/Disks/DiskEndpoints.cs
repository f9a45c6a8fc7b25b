using FluentValidation.Results;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using StorageHost.Api.Dispatch;
using StorageHost.Api.Errors;
using StorageHost.Images;
using StorageHost.Images.Disks;
using StorageHost.Images.Names;

namespace StorageHost.Api.Disks;

/// <summary>Disks: which there are, and what can be done with one of them.</summary>
internal static class DiskEndpoints
{
    private const string SizeGb = "size_gb";

    public static void MapDisks(this IEndpointRouteBuilder api)
    {
        var disks = api.MapGroup("/disks").WithTags("Disks");
        disks.MapGet("", List).WithName("disks").WithSummary("Disks, sorted by their files' names, in pages")
            .WithDescription("""
                `host`, `image` and `kind` (`system` or `data`) choose; `limit` (100, at most 1000) is the length of a page.
                `after` is the `next` of the page before. The list is as old as the index of the directory: some seconds.
                """)
            .RequireAuthorization(Scopes.Read).Refuses(400);
        disks.MapGet("/{file}", GetAsync).WithName("disk").WithSummary("One disk as it is now, and whether QEMU has it open")
            .RequireAuthorization(Scopes.Read).Refuses(400, 404, 503, 504);
        disks.MapPost("/{file}", GrowAsync).WithName("growDisk")
            .WithSummary("Makes a disk larger that no guest has open: {\"size_gb\":80}")
            .RequireAuthorization(Scopes.Provision).Refuses(400, 404, 409, 413, 422, 503, 504, 507);
        disks.MapDelete("/{file}", DeleteAsync).WithName("deleteDisk").WithSummary("Deletes one disk, and nothing else")
            .RequireAuthorization(Scopes.Destroy).Refuses(400, 404, 409, 503, 504);
    }

    private static Ok<DisksAnswer> List(HttpRequest request, FileNames names, DiskService disks) =>
        TypedResults.Ok(DisksAnswer.Of(disks.List(DiskQuery.Read(request.Query, names))));

    private static async Task<Ok<DiskInfoAnswer>> GetAsync(
        string file, FileNames names, DiskService disks, CancellationToken cancellationToken) =>
        TypedResults.Ok(DiskInfoAnswer.Of(await disks.GetAsync(Parse(names.AnyDisk(file)), cancellationToken)));

    private static async Task<Ok<DiskInfoAnswer>> GrowAsync(
        string file, HttpContext context, FileNames names, IOptions<DisksOptions> options, DiskService disks,
        CancellationToken cancellationToken)
    {
        var name = names.AnyDisk(file);
        using var document = RequestBody.Parse(await RequestBody.ReadAsync(context.Request, cancellationToken));
        var faults = new List<ValidationFailure>();
        if (name.Fault is { } wrong)
        {
            faults.Add(new ValidationFailure(Wire.Disk, wrong));
        }

        var before = faults.Count;
        var size = new PayloadReader(document.RootElement, QueryCollection.Empty, faults).Number(SizeGb);
        if (faults.Count == before
            && (size is null ? "is required" : Rules.NumberFault(size, 1, options.Value.MaxSizeGb)) is { } fault)
        {
            faults.Add(new ValidationFailure(SizeGb, fault));
        }

        if (faults.Count > 0)
        {
            throw new InvalidRequestException(faults);
        }

        context.Features.Get<AuditedChange>()?.What = $"grow {name.Value} to {size}";
        try
        {
            return TypedResults.Ok(DiskInfoAnswer.Of(await disks.GrowAsync(name.Value, (int)size!, cancellationToken)));
        }
        catch (RefusedException refused) when (refused.Reason == Refusal.InvalidSize)
        {
            throw new InvalidRequestException([new ValidationFailure(SizeGb, refused.Message)]);
        }
    }

    private static async Task<Ok<RemovedDiskAnswer>> DeleteAsync(
        string file, HttpContext context, FileNames names, ImageCacheService images, CancellationToken cancellationToken)
    {
        var disk = Parse(names.AnyDisk(file));
        context.Features.Get<AuditedChange>()?.What = $"delete {Wire.Disk} {disk}";
        switch (names.Classify(disk.Text))
        {
            case SystemDiskEntry system:
                var removed = await images.DeleteHostAsync(system.Hostname, purge: false, cancellationToken);
                return TypedResults.Ok(new RemovedDiskAnswer(removed.Hostname.Text, [.. removed.Removed.Select(gone => gone.Text)]));
            case var data:
                return TypedResults.Ok(RemovedDiskAnswer.Of(await images.DeleteDiskAsync((DataDiskEntry)data!, cancellationToken)));
        }
    }

    private static FileName Parse(ParsedName<FileName> name) =>
        name.Fault is { } fault ? throw new InvalidRequestException([new ValidationFailure(Wire.Disk, fault)]) : name.Value;
}
