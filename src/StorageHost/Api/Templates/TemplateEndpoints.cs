using FluentValidation.Results;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using StorageHost.Api.Dispatch;
using StorageHost.Api.Errors;
using StorageHost.Images;
using StorageHost.Images.Names;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;

namespace StorageHost.Api.Templates;

/// <summary>Templates: how they come, what they are, and how they go.</summary>
internal static class TemplateEndpoints
{
    private const string Protected = "protected";
    private const string Replace = "replace";

    public static void MapTemplates(this IEndpointRouteBuilder api)
    {
        var templates = api.MapGroup("/templates").WithTags("Templates");
        templates.MapGet("", List).WithName("templates").WithSummary("All templates").RequireAuthorization(Scopes.Read).Refuses();
        templates.MapGet("/{image}", GetAsync).WithName("template").WithSummary("One template")
            .RequireAuthorization(Scopes.Read).Refuses(400, 404, 503, 504);
        templates.MapPatch("/{image}", PatchAsync).WithName("patchTemplate")
            .WithSummary("Protects a template from being deleted, or no longer does: {\"protected\":true}")
            .RequireAuthorization(Scopes.Import).Refuses(400, 404, 413, 503, 504);
        templates.MapDelete("/{image}", DeleteAsync).WithName("deleteTemplate")
            .WithSummary("Deletes a template, its copies and its wanted level")
            .RequireAuthorization(Scopes.Destroy).Refuses(400, 404, 409, 503, 504);
        templates.MapPost("/{image}/rollback", RollbackAsync).WithName("rollbackTemplate")
            .WithSummary("Makes the version before the template again")
            .RequireAuthorization(Scopes.Import).Refuses(400, 404, 409, 503, 504);
        templates.MapNewTemplate();
        templates.MapPut("/{image}", PutAsync).WithName("putTemplate")
            .WithSummary("Makes a template of the body: a raw or qcow2 image")
            .WithDescription("""
                The body is the image itself, whatever its Content-Type: `curl -T centos.qcow2 http://127.0.0.1:33833/templates/centos`.
                It may be as large as `Import:MaxBytes` and come as slowly as it likes, but not stop for `Import:StallTimeout`.
                VMDK, VHD, VHDX and VDI become qcow2.
                It may be compressed with gzip, xz or zstd, which is found by its content and taken away.
                `sha256`, or the header `Repr-Digest`, is compared with the body as it was sent before the template gets its name.
                With `replace=true` it takes the place of the template of that name, which is kept as a version.
                The answer comes when the template is whole and durable.
                """)
            .RequireAuthorization(Scopes.Import)
            .Refuses(400, 408, 409, 413, 422, 503, 504, 507);
    }

    private static Ok<TemplatesAnswer> List(TemplateService templates) => TypedResults.Ok(TemplatesAnswer.Of(templates.List()));

    private static async Task<Ok<TemplateInfoAnswer>> GetAsync(
        string image, FileNames names, TemplateService templates, CancellationToken cancellationToken) =>
        TypedResults.Ok(TemplateInfoAnswer.Of(await templates.GetAsync(Parse(image, names), cancellationToken)));

    private static async Task<Ok<TemplateInfoAnswer>> PatchAsync(
        string image, HttpContext context, FileNames names, TemplateService templates, CancellationToken cancellationToken)
    {
        var name = Parse(image, names);
        using var document = RequestBody.Parse(await RequestBody.ReadAsync(context.Request, cancellationToken));
        var faults = new List<ValidationFailure>();
        var isProtected = new PayloadReader(document.RootElement, QueryCollection.Empty, faults).Flag(Protected);
        if (isProtected is null)
        {
            throw new InvalidRequestException(faults is [] ? [new ValidationFailure(Protected, "is required")] : faults);
        }

        context.Features.Get<AuditedChange>()?.What = $"{(isProtected.Value ? "protect" : "unprotect")} template {name}";
        return TypedResults.Ok(TemplateInfoAnswer.Of(await templates.ProtectAsync(name, isProtected.Value, cancellationToken)));
    }

    private static async Task<Ok<RemovedImageAnswer>> DeleteAsync(
        string image, HttpContext context, FileNames names, ImageCacheService images, CancellationToken cancellationToken)
    {
        var name = Parse(image, names);
        context.Features.Get<AuditedChange>()?.What = $"delete template {name}";
        return TypedResults.Ok(RemovedImageAnswer.Of(await images.DeleteImageAsync(name, cancellationToken)));
    }

    private static async Task<Ok<TemplateInfoAnswer>> RollbackAsync(
        string image, HttpContext context, FileNames names, TemplateService templates, CancellationToken cancellationToken)
    {
        var name = Parse(image, names);
        context.Features.Get<AuditedChange>()?.What = $"roll template {name} back";
        return TypedResults.Ok(TemplateInfoAnswer.Of(await templates.RollbackAsync(name, cancellationToken)));
    }

    private static ImageName Parse(string image, FileNames names)
    {
        var name = names.Image(image);
        return name.Fault is { } fault ? throw new InvalidRequestException([new ValidationFailure(Wire.Image, fault)]) : name.Value;
    }

    private static async Task<Ok<TemplateInfoAnswer>> PutAsync(
        string image, string? sha256, string? replace, HttpContext context, FileNames names, TemplateService templates,
        IOptions<ImportOptions> options, TimeProvider time, CancellationToken cancellationToken)
    {
        _ = sha256;
        UploadBody.LiftLimits(context);
        var request = context.Request;
        var faults = new List<ValidationFailure>();
        var parsed = names.Image(image);
        if (parsed.NewFault() is { } fault)
        {
            faults.Add(new ValidationFailure(Wire.Image, fault));
        }

        var digest = ExpectedDigest.Read(request, faults);
        if (!bool.TryParse(replace ?? bool.FalseString, out var replaces))
        {
            faults.Add(new ValidationFailure(Replace, "must be true or false"));
        }

        if (faults.Count > 0)
        {
            throw new InvalidRequestException(faults);
        }

        var name = parsed.Value;
        context.Features.Get<AuditedChange>()?.What = $"{(replaces ? "replace" : "put")} template {name}";
        var body = new UploadBody(request.Body, options.Value.StallTimeout, time);
        await using (body)
        {
            var wanted = new NewTemplate(name, TemplateRecord.Upload, request.ContentLength, digest, replaces);
            return TypedResults.Ok(TemplateInfoAnswer.Of(await templates.ImportAsync(wanted, body, cancellationToken)));
        }
    }
}
