using System.ComponentModel;
using System.Net.Sockets;
using StorageHost.Api;
using StorageHost.Api.Disks;
using StorageHost.Api.Dispatch;
using StorageHost.Api.Events;
using StorageHost.Api.Templates;
using StorageHost.BlockDevices;
using StorageHost.Cli;
using StorageHost.Fetching;
using StorageHost.Files;
using StorageHost.Gluster;
using StorageHost.Hosting;
using StorageHost.Hosting.Logging;
using StorageHost.Hosting.Security;
using StorageHost.Hosting.Systemd;
using StorageHost.Hosting.Telemetry;
using StorageHost.Images;
using StorageHost.Images.Ports;
using StorageHost.ImageStorages;
using StorageHost.Processes;
using StorageHost.Qemu;

if (args is [ToolServer.Word])
{
    return ToolServer.Run();
}

if (args is [CagedCommand.Word, .. var caged])
{
    return CagedCommand.Enter(caged);
}

Malloc.LimitArenas();

// Apart, since what this method names is loaded when it begins: the client loads nothing of the web host.
return ClientProgram.Understands(args) ? await ClientProgram.RunAsync(args, Nearest.To) : await ServeAsync(args);

static async Task<int> ServeAsync(string[] args)
{
    var line = CommandLine.Read(args);
    if (line.Answer is { } answered)
    {
        return answered;
    }

    if (line.IsCheck)
    {
        SettingsCheck.BeServiceUser();
    }

    if (SettingsSetup.CreateBuilder(line.Settings, out var broken) is not { } builder)
    {
        return ExitCodes.Configuration([broken]);
    }

    if (line.Tokens is { } keepTokens)
    {
        return keepTokens(builder.Configuration);
    }

    var settings = builder.AddSettings();
    if (line.IsCheck)
    {
        return SettingsCheck.Show(settings);
    }

    if (settings.Faults.Count > 0)
    {
        return ExitCodes.Configuration(settings.Faults);
    }

    builder.Services
        .AddLog(settings.Configuration)
        .AddSingleton(TimeProvider.System)
        .AddProcesses()
        .AddQemu()
        .AddGluster()
        .AddBlockDevices()
        .AddFiles()
        .AddFetching()
        .AddImages()
        .AddImageStorages()
        .AddStorageHostApi()
        .AddReadiness()
        .AddTelemetry(builder.Configuration)
        .AddSecurity()
        .AddSystemd()
        .Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(15));

    await using var app = builder.Build();
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
    app.MapReadiness().RequireAuthorization(Scopes.Read);
    app.MapMetrics().RequireAuthorization(Scopes.Read);

    try
    {
        ListenProbe.Try(app.Services);

        // Before the storage is opened: what is open from here on, no program inherits.
        await app.Services.GetRequiredService<ToolHost>().StartAsync();

        // Before it listens: a daemon without its storage is not one, and should not look like one.
        await app.Services.GetRequiredService<IVolume>().EnsureServedAsync(CancellationToken.None);
        await app.RunAsync();
        return ExitCodes.Ok;
    }
    catch (Exception exception) when (exception is RefusedException or IOException or SocketException or Win32Exception or TimeoutException)
    {
        return ExitCodes.Unavailable(exception);
    }
}
