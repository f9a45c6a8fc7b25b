using System.Text.Json.Nodes;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace StorageHost.Api.Swagger;

/// <summary>Documents the bodies of requests on <c>/templates</c> and <c>/uploads</c>, which no handler parameter shows.</summary>
internal sealed class TemplateDocumentation : IOperationFilter
{
    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        switch (operation.OperationId)
        {
            case "putTemplate":
                operation.RequestBody = Body("application/octet-stream", new OpenApiMediaType
                {
                    Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" },
                });
                (operation.Parameters ??= []).Add(new OpenApiParameter
                {
                    Name = "Repr-Digest",
                    In = ParameterLocation.Header,
                    Description = "The SHA-256 that the body must have, as RFC 9530 has it: sha-256=:<base64>:",
                    Schema = new OpenApiSchema { Type = JsonSchemaType.String },
                });
                break;
            case "continueUpload":
                operation.RequestBody = Body("application/partial-upload", new OpenApiMediaType
                {
                    Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" },
                });
                (operation.Parameters ??= []).Add(new OpenApiParameter
                {
                    Name = "Upload-Offset",
                    In = ParameterLocation.Header,
                    Required = true,
                    Description = "Where the piece begins, in bytes",
                    Schema = new OpenApiSchema { Type = JsonSchemaType.Integer, Format = "int64" },
                });
                break;
            case "newTemplate":
                operation.RequestBody = Body("application/json", new OpenApiMediaType
                {
                    Example = JsonNode.Parse("""{"image":"centos","url":"https://images.example.org/centos.qcow2"}"""),
                });
                break;
            case "beginUpload":
                operation.RequestBody = Body("application/json", new OpenApiMediaType
                {
                    Example = JsonNode.Parse("""{"image":"centos","size_bytes":1073741824}"""),
                });
                break;
            case "patchTemplate":
                operation.RequestBody = Body(
                    "application/json", new OpenApiMediaType { Example = JsonNode.Parse("""{"protected":true}""") });
                break;
        }
    }

    private static OpenApiRequestBody Body(string type, OpenApiMediaType content) => new()
    {
        Required = true,
        Content = new Dictionary<string, IOpenApiMediaType>(StringComparer.Ordinal) { [type] = content },
    };
}
