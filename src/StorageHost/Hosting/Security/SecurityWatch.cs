using Microsoft.Extensions.Options;

namespace StorageHost.Hosting.Security;

/// <summary>Says at every start what is open, and takes up the files of the section <c>Security</c> when they change.</summary>
internal sealed partial class SecurityWatch(
    SecurityFiles files, IOptions<SecurityOptions> security, IConfiguration configuration, TimeProvider time,
    ILogger<SecurityWatch> log) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var address in ListenAddress.All(configuration).Where(address => !address.IsLocal))
        {
            if (security.Value.AllowAnonymous)
            {
                LogOpen(address.Url);
            }
            else if (!address.IsTls)
            {
                LogInTheClear(address.Url);
            }
        }

        SayCertificate();
        return base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var ticks = new PeriodicTimer(Interval, time);
        while (await ticks.WaitForNextTickAsync(stoppingToken))
        {
            foreach (var file in files.All)
            {
                Say(file, file.Look());
            }
        }
    }

    private void Say(IWatchedFile file, IReadOnlyList<string>? faults)
    {
        if (faults is { Count: > 0 })
        {
            LogKept(string.Join("; ", faults));
        }
        else if (faults is not null)
        {
            LogTakenUp(file.Setting);
            if (file == files.Certificate)
            {
                SayCertificate();
            }
        }
    }

    private void SayCertificate()
    {
        if (files.Certificate.Current?.Certificate is { } certificate)
        {
            var level = certificate.NotAfter.ToUniversalTime() < time.GetUtcNow().UtcDateTime ? LogLevel.Error : LogLevel.Information;
            LogCertificate(level, certificate.Subject, certificate.NotAfter.ToUniversalTime());
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Security:AllowAnonymous is true: whoever can reach {Url} may do everything")]
    private partial void LogOpen(string url);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Tokens sent to {Url} can be read on their way: it is not https")]
    private partial void LogInTheClear(string url);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Setting} has changed and is in force")]
    private partial void LogTakenUp(string setting);

    [LoggerMessage(Level = LogLevel.Error, Message = "Keeping the previous files; the new ones are invalid: {Faults}")]
    private partial void LogKept(string faults);

    [LoggerMessage(Message = "The server's certificate ({Subject}) is valid until {NotAfter:u}")]
    private partial void LogCertificate(LogLevel level, string subject, DateTime notAfter);
}
