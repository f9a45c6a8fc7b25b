using System.Globalization;
using Microsoft.Extensions.Options;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;
using StorageHost.Images.Ports;

namespace StorageHost.Images.Templates;

/// <summary>
/// Sees to it that a template which comes in has room: all of it before the first byte where its size is known, else a piece ahead of what
/// comes. What it will take is promised to it, so that no copy is begun in its room.
/// </summary>
internal sealed class ImportRoom(
    IVolume volume, IVolumePolicy policy, PromisedRoom promised, IOptions<ImportOptions> options, NewTemplate wanted) : IDisposable
{
    /// <summary>After as many bytes the volume is asked anew: others write to it as well.</summary>
    internal const long Step = 64 << 20;

    private readonly PromisedRoom.Promise promise = promised.Begin(0);
    private long lookAt;
    private long made = long.MaxValue;

    /// <summary>Looks whether there is room for what is still to come, after that many bytes have.</summary>
    /// <exception cref="RefusedException">TooLarge; NoSpace.</exception>
    public async ValueTask EnsureAsync(long received, CancellationToken cancellationToken)
    {
        if (Math.Max(received, wanted.Length ?? 0) > options.Value.MaxBytes)
        {
            throw new RefusedException(
                Refusal.TooLarge, $"the template is too large: at most {options.Value.MaxBytes} bytes (Import:MaxBytes)");
        }

        // What is written is missing from the free room already.
        var still = wanted.Length is { } length ? Math.Max(0, length - received) : Math.Max(0, lookAt - received);
        if (received < lookAt)
        {
            promise.Change(still);
            return;
        }

        lookAt = received + Step;
        await LookAsync(wanted.Length is null ? Step : still, cancellationToken);
    }

    /// <summary>The same, also while what came becomes another file, of which nobody knows how long it will be.</summary>
    /// <exception cref="RefusedException">TooLarge; NoSpace.</exception>
    public ValueTask EnsureAsync(ImportProgress at, CancellationToken cancellationToken) =>
        at.Made is { } length ? EnsureMadeAsync(length, cancellationToken) : EnsureAsync(at.Received, cancellationToken);

    public void Dispose() => promise.Dispose();

    private async ValueTask EnsureMadeAsync(long length, CancellationToken cancellationToken)
    {
        if (length > options.Value.MaxBytes)
        {
            throw new RefusedException(
                Refusal.NoSpace,
                $"what was sent for {wanted.Image} becomes larger than {options.Value.MaxBytes} bytes (Import:MaxBytes)");
        }

        // Shorter than before: it is another file.
        lookAt = length < made ? 0 : lookAt;
        made = length;
        if (length < lookAt)
        {
            promise.Change(lookAt - length);
            return;
        }

        lookAt = length + Step;
        await LookAsync(Step, cancellationToken);
    }

    private async ValueTask LookAsync(long needed, CancellationToken cancellationToken)
    {
        // Promised before the look: of two that come at the same moment one sees the other.
        promise.Change(needed);
        var space = await volume.ReadSpaceAsync(cancellationToken);
        var reserve = PoolPlan.Reserve(space, policy.ReservePercent);
        if (space.FreeBytes - reserve < promised.Bytes)
        {
            promise.Change(0);
            throw NoSpace(wanted.Image, needed, space.FreeBytes, reserve, promised.Bytes);
        }
    }

    private RefusedException NoSpace(ImageName image, long needed, long free, long reserve, long others) => new(
        Refusal.NoSpace,
        string.Create(
            CultureInfo.InvariantCulture,
            $"the template {image} would take the volume below its reserve of {policy.ReservePercent} %: it needs {Mb(needed)} MB more, "
            + $"{free >> 20} MB are free, "
            + $"{Mb(reserve)} MB are the reserve{(others > 0 ? $", {Mb(others)} MB are promised to work under way" : "")}"));

    // Rounded up: what is said to be needed suffices.
    private static long Mb(long bytes) => (bytes + (1 << 20) - 1) >> 20;
}
