using StorageHost.Api;
using StorageHost.Images;

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddSingleton(new FileNames("_template.img")).AddSingleton<ImageCacheService>().AddStorageHostApi();
var app = builder.Build();
app.UseStorageHostApi();
app.MapStorageHostApi();
app.Run();
