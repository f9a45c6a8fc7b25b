using Microsoft.OpenApi;

namespace StorageHost.Api.Swagger;

/// <summary>The OpenAPI document and the page that shows it.</summary>
internal static class SwaggerSetup
{
    public static IServiceCollection AddSwaggerDocument(this IServiceCollection services) => services
        .AddEndpointsApiExplorer()
        .AddSwaggerGen(swagger =>
        {
            swagger.SwaggerDoc("v1", new OpenApiInfo
            {
                Title = "StorageHost",
                Version = "v1",
                Description = "Publishes bootable disks for virtual machines. Success is 200; every error is one ErrorMessage object.",
            });
            swagger.SupportNonNullableReferenceTypes();
            swagger.NonNullableReferenceTypesAsRequired();
            swagger.IncludeXmlComments(Path.Combine(AppContext.BaseDirectory, "storagehost.xml"));
            swagger.OperationFilter<DispatchDocumentation>();
            swagger.OperationFilter<TemplateDocumentation>();
            swagger.OperationFilter<DiskDocumentation>();
        });
}
