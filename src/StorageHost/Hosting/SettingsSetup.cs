using FluentValidation;
using StorageHost.Files;
using StorageHost.Gluster;
using StorageHost.Hosting.Security;
using StorageHost.Hosting.Telemetry;
using StorageHost.Images;
using StorageHost.Qemu;

namespace StorageHost.Hosting;

/// <summary>Joins the configuration to a host.</summary>
internal static class SettingsSetup
{
    /// <summary>Reads every section; false, with every fault, when the daemon must not start with them.</summary>
    public static bool AddSettings(this WebApplicationBuilder builder, out IReadOnlyList<string> faults)
    {
        var settings = new Settings(builder.Configuration);
        Add<StorageOptions>("Storage", new StorageRules());
        Add<PoolOptions>("Pool", new PoolRules());
        Add<DisksOptions>("Disks", new DisksRules());
        Add<QemuOptions>("Qemu", new QemuRules());
        Add<GlusterOptions>(GlusterOptions.Section, new GlusterRules());
        var security = Add<SecurityOptions>(SecurityOptions.Section, new SecurityRules());
        settings.Check(ListenAddress.FindFaults(builder.Configuration, security));
        settings.Check(Otlp.FindFaults(builder.Configuration));
        var files = new SecurityFiles(security);
        builder.Services.AddSingleton(files);
        settings.Check(files.Open());
        faults = settings.Faults;
        return faults.Count == 0;

        T Add<T>(string section, IValidator<T> rules)
            where T : class, new()
        {
            var options = settings.Read(section, rules);
            builder.Services.AddSingleton(options);
            return options.Value;
        }
    }
}
