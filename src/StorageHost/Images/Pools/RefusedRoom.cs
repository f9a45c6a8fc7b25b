using System.Globalization;
using StorageHost.Images.Names;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;

namespace StorageHost.Images.Pools;

/// <summary>
/// Remembers the last copy that was refused for want of room, until there is room for it: so long others would be refused too.
/// </summary>
internal sealed class RefusedRoom(IVolumePolicy policy)
{
    private volatile Refused? last;

    /// <summary>What was refused, with the numbers; null when there is room for it.</summary>
    public string? Message => last?.Message;

    /// <summary>Remembers that a copy does not fit.</summary>
    /// <param name="template">Of what.</param>
    /// <param name="space">The room that there is.</param>
    /// <param name="promised">Bytes that work under way will still take.</param>
    /// <returns>The refusal.</returns>
    public RefusedException Refuse(Template template, VolumeSpace space, long promised)
    {
        var percent = policy.ReservePercent;
        var (needed, free, reserve) = (Mb(template.AllocatedBytes), space.FreeBytes >> 20, Mb(PoolPlan.Reserve(space, percent)));
        var message = string.Create(
            CultureInfo.InvariantCulture,
            $"another copy of {template.Image} would take the volume below its reserve of {percent} %: "
            + $"it needs {needed} MB, {free} MB are free, "
            + $"{reserve} MB are the reserve{(promised > 0 ? $", {Mb(promised)} MB are promised to work under way" : "")}");
        last = new Refused(template.Image, message);
        return new RefusedException(Refusal.NoSpace, message) { NeededBytes = template.AllocatedBytes };
    }

    /// <summary>Forgets what would fit now, or has no template any more.</summary>
    public void Look(VolumeScan scan)
    {
        if (last is { } refused && !scan.Unknown.Contains(refused.Image)
            && !scan.Templates.Any(template =>
                template.Image == refused.Image
                    && PoolPlan.Fitting(scan.Space, policy.ReservePercent, promised: 0, template.AllocatedBytes) == 0))
        {
            last = null;
        }
    }

    // Rounded up: what is said to be needed suffices.
    private static long Mb(long bytes) => (bytes + (1 << 20) - 1) >> 20;

    private sealed record Refused(ImageName Image, string Message);
}
