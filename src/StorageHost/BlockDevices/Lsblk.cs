using System.Text.Json;
using System.Text.Json.Serialization;
using StorageHost.ImageStorages;
using StorageHost.Processes;

namespace StorageHost.BlockDevices;

/// <summary>A block device as lsblk shows it, with what is built on it. One that is built on several is shown under each.</summary>
/// <param name="Kname">The kernel's name: <c>sda1</c>, <c>dm-0</c>.</param>
/// <param name="Path">The device node.</param>
/// <param name="Number"><c>major:minor</c>.</param>
/// <param name="Type"><c>disk</c>, <c>part</c>, <c>lvm</c>, <c>raid1</c>, <c>mpath</c>, <c>loop</c>, <c>rom</c>, …</param>
/// <param name="Size">In bytes.</param>
/// <param name="Vendor">The vendor string, often filled up with blanks.</param>
/// <param name="Model">The product string.</param>
/// <param name="Serial">The serial number.</param>
/// <param name="Wwn">The World Wide Name as udev writes it: <c>0x5…</c>, <c>eui.…</c>.</param>
/// <param name="Children">What is built on it.</param>
internal sealed record LsblkDevice(
    string Kname,
    string Path,
    [property: JsonPropertyName("maj:min")] string Number,
    string Type,
    long? Size = null,
    string? Vendor = null,
    string? Model = null,
    string? Serial = null,
    string? Wwn = null,
    IReadOnlyList<LsblkDevice>? Children = null);

/// <summary>Runs lsblk and reads what it says.</summary>
internal sealed class Lsblk(ProcessRunner runner, string program = "lsblk")
{
    // Nothing of file systems: for those lsblk would open the devices, and wait for one that hangs.
    private const string Columns = "NAME,KNAME,PATH,MAJ:MIN,TYPE,SIZE,VENDOR,MODEL,SERIAL,WWN";

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        NumberHandling = JsonNumberHandling.AllowReadingFromString,
        RespectRequiredConstructorParameters = true,
        RespectNullableAnnotations = true,
    };

    /// <summary>The devices that lie on no other, with what is built on them.</summary>
    /// <exception cref="FactsException">lsblk is not there, failed or did not end.</exception>
    public async Task<IReadOnlyList<LsblkDevice>> ReadAsync(CancellationToken cancellationToken)
    {
        var command = new ProcessCommand(program, ["--json", "--bytes", "--output", Columns])
        {
            Timeout = TimeSpan.FromSeconds(15),
            OutputBytes = 8 << 20,
        };
        try
        {
            var result = await runner.RunAsync(command, cancellationToken);
            return result.ExitCode == 0 ? Parse(result.Output) : throw new FactsException($"lsblk failed with exit code {result.ExitCode}");
        }
        catch (ProcessNotStartedException exception)
        {
            throw new FactsException("lsblk is not installed", exception);
        }
        catch (ProcessTimedOutException exception)
        {
            throw new FactsException("lsblk did not end: a device hangs", exception);
        }
    }

    internal static IReadOnlyList<LsblkDevice> Parse(string output)
    {
        try
        {
            return JsonSerializer.Deserialize<Listing>(output, Json)!.Blockdevices;
        }
        catch (JsonException exception)
        {
            throw new FactsException("lsblk's answer could not be read", exception);
        }
    }

    private sealed record Listing(IReadOnlyList<LsblkDevice> Blockdevices);
}
