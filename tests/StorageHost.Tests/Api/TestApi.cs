using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Serilog;
using Serilog.Core;
using Serilog.Events;
using Serilog.Formatting.Display;
using StorageHost.Api;
using StorageHost.Api.Disks;
using StorageHost.Api.Dispatch;
using StorageHost.Api.Events;
using StorageHost.Api.Templates;
using StorageHost.Hosting.Security;
using StorageHost.Images;
using StorageHost.Images.Disks;
using StorageHost.Images.Templates;
using StorageHost.ImageStorages;
using StorageHost.Tests.Images;
using Xunit;

namespace StorageHost.Tests.Api;

/// <summary>The HTTP interface on a real Kestrel in this process, without a core behind it, and the log lines that it writes.</summary>
internal sealed class TestApi : IAsyncDisposable, ILogEventSink
{
    private static readonly MessageTemplateTextFormatter Text = new("{Message:lj}");

    private readonly WebApplication app;

    private TestApi(Action<WebApplication>? map, SecurityOptions security, Core? templates, TimeProvider? time)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Production" });
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddSerilog(logger => logger.MinimumLevel.Debug().WriteTo.Sink(this), preserveStaticLogger: true);

        // No request of these tests may reach the core, so it needs no parts.
        var core = (ImageCacheService)RuntimeHelpers.GetUninitializedObject(typeof(ImageCacheService));
        var storages = (ImageStorageService)RuntimeHelpers.GetUninitializedObject(typeof(ImageStorageService));
        builder.Services.AddSingleton(Reading.Names).AddSingleton(time ?? TimeProvider.System).AddSingleton(core).AddSingleton(storages).AddStorageHostApi();
        builder.Services.AddSingleton(templates?.TemplateService ?? (TemplateService)RuntimeHelpers.GetUninitializedObject(typeof(TemplateService)));
        builder.Services.AddSingleton(templates?.UploadService ?? (UploadService)RuntimeHelpers.GetUninitializedObject(typeof(UploadService)));
        builder.Services.AddSingleton(templates?.UrlImports ?? (UrlImports)RuntimeHelpers.GetUninitializedObject(typeof(UrlImports)));
        builder.Services.AddSingleton((DiskService)RuntimeHelpers.GetUninitializedObject(typeof(DiskService))).AddSingleton(Options.Create(new DisksOptions()));
        builder.Services.AddSingleton(Options.Create(templates?.Import ?? new ImportOptions()));
        builder.Services.AddSingleton(Options.Create(security)).AddSingleton(new SecurityFiles(security)).AddSecurity();
        app = builder.Build();
        Assert.Empty(app.Services.GetRequiredService<SecurityFiles>().Open());
        app.UseConnectionLimit();
        app.UseStorageHostApi();
        app.UseSecurity();
        app.MapHealth();
        app.MapDispatch();
        app.MapTemplates();
        app.MapUploads();
        app.MapDisks();
        app.MapPools();
        app.MapJobs();
        app.MapImageStorages();
        app.MapEvents();
        app.MapDocumentation();
        map?.Invoke(app);
    }

    public ConcurrentQueue<(LogLevel Level, string Category, string Line)> Lines { get; } = new();

    public HttpClient Client { get; private set; } = null!;

    /// <param name="map">Maps more endpoints.</param>
    /// <param name="security">Who may do what.</param>
    /// <param name="templates">The core that templates come to; none when null.</param>
    /// <param name="time">The clock; the system's when null.</param>
    public static async Task<TestApi> StartAsync(
        Action<WebApplication>? map = null, SecurityOptions? security = null, Core? templates = null, TimeProvider? time = null)
    {
        var api = new TestApi(map, security ?? new SecurityOptions(), templates, time);
        await api.app.StartAsync();
        api.Client = new HttpClient { BaseAddress = new Uri(api.app.Urls.Single()) };
        return api;
    }

    /// <summary>Waits for a line of our own, or of the request log: a request is logged after its answer was sent.</summary>
    public async Task<(LogLevel Level, string Category, string Line)> LineAsync(string part)
    {
        for (var tries = 0; tries < 500; tries++)
        {
            var found = Lines.FirstOrDefault(entry =>
                IsOurs(entry.Category) && entry.Line.Contains(part, StringComparison.Ordinal));
            if (found.Line is not null)
            {
                return found;
            }

            await Task.Delay(10);
        }

        throw new TimeoutException($"no log line with: {part}");
    }

    public void Emit(LogEvent logEvent)
    {
        using var line = new StringWriter();
        Text.Format(logEvent, line);
        var category = logEvent.Properties.GetValueOrDefault("SourceContext") is ScalarValue { Value: string name } ? name : "";
        Lines.Enqueue(((LogLevel)logEvent.Level, category, $"{line} {logEvent.Exception?.GetType().Name}"));
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await app.DisposeAsync();
    }

    private static bool IsOurs(string category) =>
        category.StartsWith("StorageHost", StringComparison.Ordinal) || category.StartsWith("Serilog.AspNetCore", StringComparison.Ordinal);
}
