using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using StorageHost.Tests.Processes;

namespace StorageHost.Tests.Hosting.Telemetry;

/// <summary>The whole daemon in this process, on a directory of its own with one template, centos.</summary>
internal sealed class ServedDaemon : WebApplicationFactory<Program>
{
    private readonly Scratch scratch = new();
    private Scratch? left;

    public ServedDaemon()
    {
        left = scratch;
        Directory.CreateDirectory(scratch.File("images"));
        File.WriteAllBytes(scratch.File("images/centos_template.img"), new byte[64 << 10]);
        File.SetLastWriteTimeUtc(scratch.File("images/centos_template.img"), DateTime.UnixEpoch.AddYears(50));
    }

    protected override void ConfigureWebHost(IWebHostBuilder builder) => builder
        .UseSetting("Storage:Directory", scratch.File("images"))
        .UseSetting("Storage:ReservePercent", "0")
        .UseSetting("Serilog:WriteTo:0:Args:restrictedToMinimumLevel", "Fatal");

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);

        // The factory calls this more than once.
        if (Interlocked.Exchange(ref left, null) is { } last)
        {
            Remove(last);
        }
    }

    private static void Remove(Scratch scratch)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                scratch.Dispose();
                return;
            }
            catch (DirectoryNotFoundException) when (tries < 10)
            {
                // The factory does not wait for the daemon's main thread, which removes the private directory as it leaves.
            }
        }
    }
}
