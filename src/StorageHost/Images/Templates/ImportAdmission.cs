using Microsoft.Extensions.Options;
using StorageHost.Images.Ports;

namespace StorageHost.Images.Templates;

/// <summary>Who may bring a template in: so many at a time, and only under a name that is free, or free to be replaced.</summary>
internal sealed class ImportAdmission(IVolume volume, IRemover remover, IOptions<ImportOptions> options)
{
    private int underWay;

    /// <summary>Takes a place, until it is disposed of.</summary>
    /// <exception cref="RefusedException">TooManyRequests.</exception>
    public IDisposable Enter()
    {
        var limit = options.Value.MaxAtOnce;
        if (Interlocked.Increment(ref underWay) > limit)
        {
            Interlocked.Decrement(ref underWay);
            throw new RefusedException(Refusal.TooManyRequests, $"{limit} templates are coming in already (Import:MaxAtOnce)");
        }

        return new Place(this);
    }

    /// <summary>Refuses a name that is taken; of one that is to be replaced, a template that must stay.</summary>
    /// <exception cref="RefusedException">ImageExists; ImageInUse; ImageProtected; and what the storage says.</exception>
    public async Task RefuseTakenAsync(NewTemplate wanted, CancellationToken cancellationToken)
    {
        try
        {
            if (wanted.Replace)
            {
                await remover.CheckImageAsync(wanted.Image, cancellationToken);
                return;
            }

            await volume.FindTemplateAsync(wanted.Image, cancellationToken);
        }
        catch (RefusedException refusal) when (refusal.Reason == Refusal.ImageNotFound)
        {
            return;
        }

        throw new RefusedException(Refusal.ImageExists, $"the template {wanted.Image} already exists");
    }

    private sealed class Place(ImportAdmission admission) : IDisposable
    {
        public void Dispose() => Interlocked.Decrement(ref admission.underWay);
    }
}
