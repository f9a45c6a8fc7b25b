using FluentValidation.Results;
using Microsoft.AspNetCore.Http.HttpResults;
using StorageHost.Api.Dispatch;
using StorageHost.Api.Errors;
using StorageHost.Images.Jobs;
using StorageHost.Images.Names;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;

namespace StorageHost.Api.Templates;

/// <summary>POST <c>/templates</c>: a template that the daemon gets itself, as a job.</summary>
internal static class NewTemplateEndpoint
{
    private const string Url = "url";
    private const string Replace = "replace";
    private const int LongestShown = 256;

    public static void MapNewTemplate(this IEndpointRouteBuilder templates) =>
        templates.MapPost("", PostAsync).WithName("newTemplate")
            .WithSummary("Fetches a template: {\"image\":\"centos\",\"url\":\"https://images.example.org/centos.qcow2\"}")
            .WithDescription("""
                The answer is the job that does it; `Location` has its address.
                `sha256` is compared before the template gets its name.
                With `"replace":true` it takes the place of the template of that name, which is kept as a version.
                """)
            .RequireAuthorization(Scopes.Import).Refuses(400, 409, 413, 422, 503, 504);

    private static async Task<Accepted<JobAnswer>> PostAsync(
        HttpContext context, FileNames names, UrlImports imports, CancellationToken cancellationToken)
    {
        using var document = RequestBody.Parse(await RequestBody.ReadAsync(context.Request, cancellationToken));
        var faults = new List<ValidationFailure>();
        var body = new PayloadReader(document.RootElement, QueryCollection.Empty, faults);
        var image = names.Image(body.Text(Wire.Image));
        if (image.NewFault() is { } fault)
        {
            faults.Add(new ValidationFailure(Wire.Image, fault));
        }

        var source = ReadSource(body, faults);
        var sha256 = body.Text(ExpectedDigest.Parameter) is { } digest ? ExpectedDigest.FromHex(digest, faults) : null;
        var replaces = body.Flag(Replace) ?? false;
        if (faults.Count > 0 || source is null)
        {
            throw new InvalidRequestException(faults);
        }

        var what = $"{(replaces ? "replace" : "make")} template {image.Value} from {Echo.Of(source.ToString(), LongestShown)}";
        context.Features.Get<AuditedChange>()?.What = what;
        var wanted = new NewTemplate(image.Value, $"{Url} {source}", null, sha256, replaces);
        return Started(await imports.StartAsync(wanted, source, cancellationToken));
    }

    /// <summary>Where it is to come from; null when that has a fault, which is added.</summary>
    private static SourceUrl? ReadSource(PayloadReader body, List<ValidationFailure> faults)
    {
        var before = faults.Count;
        if (body.Text(Url) is not { } text)
        {
            if (faults.Count == before)
            {
                faults.Add(new ValidationFailure(Url, "is required: where the template comes from"));
            }

            return null;
        }

        if (body.Text(Wire.Host) is not null)
        {
            faults.Add(new ValidationFailure(Url, $"must not be given together with {Wire.Host}: a template has one source"));
        }

        if (!SourceUrl.TryParse(text, out var url, out var fault))
        {
            faults.Add(new ValidationFailure(Url, fault));
        }

        return url;
    }

    private static Accepted<JobAnswer> Started(JobStatus job) =>
        TypedResults.Accepted($"/jobs/{Uri.EscapeDataString(job.Id)}", JobAnswer.Of(job));
}
