using System.Text.Json.Nodes;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace StorageHost.Api.Swagger;

/// <summary>Documents what requests on <c>/disks</c> take, which no handler parameter shows.</summary>
internal sealed class DiskDocumentation : IOperationFilter
{
    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        switch (operation.OperationId)
        {
            case "disks":
                operation.Parameters =
                [
                    Parameter("host", "Only the disks of this host.", JsonSchemaType.String),
                    Parameter("image", "Only the disks that were made of this image.", JsonSchemaType.String),
                    Parameter("kind", "Only system disks, or only data disks: system or data.", JsonSchemaType.String),
                    Parameter("after", "Where the page begins: the next of the page before.", JsonSchemaType.String),
                    Parameter("limit", "The length of a page, 1 to 1000; 100 without it.", JsonSchemaType.Integer),
                ];
                break;
            case "growDisk":
                operation.RequestBody = new OpenApiRequestBody
                {
                    Required = true,
                    Content = new Dictionary<string, IOpenApiMediaType>(StringComparer.Ordinal)
                    {
                        ["application/json"] = new OpenApiMediaType { Example = JsonNode.Parse("""{"size_gb":80}""") },
                    },
                };
                break;
        }
    }

    private static OpenApiParameter Parameter(string name, string description, JsonSchemaType type) => new()
    {
        Name = name, In = ParameterLocation.Query, Description = description, Schema = new OpenApiSchema { Type = type },
    };
}
