using System.Text.Json.Nodes;
using Microsoft.OpenApi;
using StorageHost.Api.Dispatch;
using StorageHost.Images.Disks;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace StorageHost.Api.Swagger;

/// <summary>Documents the verbs on <c>/</c>, whose payloads no handler parameter shows, with a worked example of each.</summary>
internal sealed class DispatchDocumentation : IOperationFilter
{
    private const string Json = "application/json";

    private const string DupAnswer = """
        {"pools":[{"image":"centos","wanted":3,"ready":1,"copying":1,"waiting":0,"hits":7,"misses":0,
        "last_refill":"2026-01-31T12:00:00+00:00","template":{"size":524288000,"modified":"2026-01-30T08:00:00+00:00",
        "modified_ns":1769760000000000000,"inode":11529215046068469761},"job":"fill-1","problem":null,"problem_since":null}]}
        """;

    private const string SetImageWithSize = "setimage with a size";
    private const string SizedAnswer =
        """{"hostname":"web01","image":"centos","disk":"web01.qcow2","source":"pool","size_gb":40,"linked":false}""";

    private const string HostAnswer = """{"hostname":"web01","removed":["web01.qcow2"],"kept":["web01_storage_5G"]}""";
    private const string ImageAnswer = """{"image":"centos","removed":["centos_template.img","centos_dup_1_ready"]}""";

    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        switch (operation.OperationId)
        {
            case "get":
                operation.Parameters = [Parameter(Wire.Target, "What to list.", Words(Wire.Images), [Wire.Images])];
                Answers(operation, context, (Wire.Images, typeof(ImagesAnswer), """{"images":["centos","debian12"]}"""));
                break;
            case "post":
                operation.Parameters = [Prefer(), Key()];
                operation.RequestBody = PostBody();
                Answers(
                    operation,
                    context,
                    (Wire.Dup, typeof(PoolsAnswer), DupAnswer),
                    (Wire.SetImage, typeof(DiskAnswer), """{"hostname":"web01","image":"centos","disk":"web01.qcow2","source":"pool"}"""),
                    (SetImageWithSize, typeof(DiskAnswer), SizedAnswer),
                    (Wire.AddStorage, typeof(DataDiskAnswer), """{"hostname":"web01","disk":"web01_storage_5G","size_gb":5}"""));
                break;
            case "delete":
                operation.Parameters =
                [
                    Parameter(Wire.Action, "What to delete.", Words(Wire.Host, Wire.Disk, Wire.Image), [Wire.Host, Wire.Disk, Wire.Image]),
                    Parameter(
                        Wire.Target, "Its name: the hostname, the data disk or the image.", Of(JsonSchemaType.String),
                        ["web01", "web01_storage_5G", "centos"]),
                    new OpenApiParameter
                    {
                        Name = Wire.Purge,
                        In = ParameterLocation.Query,
                        Description = "For a host: whether the data disks are deleted too.",
                        Schema = Of(JsonSchemaType.Boolean),
                    },
                ];
                Answers(
                    operation,
                    context,
                    (Wire.Host, typeof(RemovedHostAnswer), HostAnswer),
                    (Wire.Disk, typeof(RemovedDiskAnswer), """{"hostname":"web01","removed":["web01_storage_5G"]}"""),
                    (Wire.Image, typeof(RemovedImageAnswer), ImageAnswer));
                break;
        }
    }

    private static OpenApiRequestBody PostBody() => new()
    {
        Required = true,
        Content = new Dictionary<string, IOpenApiMediaType>(StringComparer.Ordinal)
        {
            [Json] = new OpenApiMediaType
            {
                Schema = Object(
                    (Wire.Action, Words(Wire.Dup, Wire.SetImage, Wire.AddStorage)),
                    (Wire.DuplicateInfo, new() { Type = JsonSchemaType.Object, AdditionalProperties = Of(JsonSchemaType.Integer) }),
                    (Wire.CreateVmForm, Object(
                        (Wire.Image, Of(JsonSchemaType.String)), (Wire.Hostname, Of(JsonSchemaType.String)),
                        (Wire.Size, Of(JsonSchemaType.Integer)))),
                    (Wire.StorageInfo, Object((Wire.Hostname, Of(JsonSchemaType.String)), (Wire.Size, Of(JsonSchemaType.Integer))))),
                Examples = new Dictionary<string, IOpenApiExample>(StringComparer.Ordinal)
                {
                    [Wire.Dup] = Example("Keep three ready copies of centos", """{"action":"dup","duplicateinfo":{"centos":3}}"""),
                    [Wire.SetImage] = Example(
                        "Publish web01.qcow2", """{"action":"setimage","createvmform":{"image":"centos","hostname":"web01"}}"""),
                    [SetImageWithSize] = Example(
                        "Publish web01.qcow2 with 40 GiB",
                        """{"action":"setimage","createvmform":{"image":"centos","hostname":"web01","size":40}}"""),
                    [Wire.AddStorage] = Example(
                        "Make a data disk of 5 GiB", """{"action":"addstorage","storageinfo":{"hostname":"web01","size":5}}"""),
                },
            },
        },
    };

    private static void Answers(
        OpenApiOperation operation, OperationFilterContext context, params (string Verb, Type Type, string Example)[] answers)
    {
        var schemas = answers.Select(answer => answer.Type).Distinct()
            .Select(type => context.SchemaGenerator.GenerateSchema(type, context.SchemaRepository)).ToList();
        operation.Responses!["200"].Content![Json] = new OpenApiMediaType
        {
            Schema = schemas is [var only] ? only : new OpenApiSchema { OneOf = schemas },
            Examples = answers.ToDictionary(
                answer => answer.Verb, IOpenApiExample (answer) => Example(answer.Verb, answer.Example), StringComparer.Ordinal),
        };
    }

    private static OpenApiParameter Parameter(string name, string description, OpenApiSchema schema, string[] examples) => new()
    {
        Name = name,
        In = ParameterLocation.Query,
        Required = true,
        Description = description,
        Schema = schema,
        Examples = examples.ToDictionary(
            example => example, IOpenApiExample (example) => new OpenApiExample { Value = example }, StringComparer.Ordinal),
    };

    private static OpenApiParameter Prefer() => new()
    {
        Name = "Prefer",
        In = ParameterLocation.Header,
        Description = "For setimage: respond-async answers 202 and the job, with its address as Location.",
        Schema = Words("respond-async"),
    };

    private static OpenApiParameter Key() => new()
    {
        Name = IdempotencyKey.Header,
        In = ParameterLocation.Header,
        Description = "For setimage and addstorage: the caller's own word for the request. "
            + "Sent again with it, the request has the outcome of the first.",
        Schema = new OpenApiSchema { Type = JsonSchemaType.String, MaxLength = RequestMark.MaxKeyLength },
    };

    private static OpenApiExample Example(string summary, string json) => new() { Summary = summary, Value = JsonNode.Parse(json) };

    private static OpenApiSchema Of(JsonSchemaType type) => new() { Type = type };

    private static OpenApiSchema Words(params string[] words) =>
        new() { Type = JsonSchemaType.String, Enum = [.. words.Select(word => JsonValue.Create(word))] };

    private static OpenApiSchema Object(params (string Name, OpenApiSchema Schema)[] members) => new()
    {
        Type = JsonSchemaType.Object,
        Properties = members.ToDictionary(member => member.Name, IOpenApiSchema (member) => member.Schema, StringComparer.Ordinal),
    };
}
