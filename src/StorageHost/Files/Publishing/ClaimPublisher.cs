using StorageHost.Files.Catalog;
using StorageHost.Files.Growing;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Disks;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;
using StorageHost.Images.Ports;

namespace StorageHost.Files.Publishing;

/// <summary>Makes a claimed copy a host's system disk, in the size that was asked for.</summary>
internal sealed class ClaimPublisher(
    TemplateFile templates, TemplateGrowth growth, StandingDisks standing, ReadyCopies ready, IVolumePolicy policy)
{
    /// <summary>Publishes a claim. Runs on a storage thread.</summary>
    /// <param name="session">The session that it belongs to.</param>
    /// <param name="claim">The claim.</param>
    /// <param name="disk">The disk's name.</param>
    /// <param name="sizeGb">The disk's size in GiB; null: the template's.</param>
    /// <param name="mark">The request's mark; null when it has none.</param>
    /// <param name="mayLink">Whether the caller is still there.</param>
    /// <exception cref="RefusedException">ImageNotFound; InvalidSize; ImageRejected; NoSpace; StorageUnavailable.</exception>
    public PublishResult Publish(
        VolumeSession session, Claim claim, FileName disk, int? sizeGb, RequestMark? mark, Func<bool> mayLink)
    {
        var (mount, file) = (session.Mount, claim.File);
        if (!templates.IsStill(mount, claim.Image, claim.MadeFrom.Template)
            || Plan(session, claim, sizeGb) is not { } plan)
        {
            mount.TryUnlink(file.Name);
            return new PublishResult(PublishOutcome.Stale, disk);
        }

        var larger = plan.Steps.Count > 0 ? plan : null;
        if (larger is not null && !mayLink())
        {
            return new PublishResult(PublishOutcome.Abandoned, disk, ready.Add(session, file, claim.Image));
        }

        if (ClaimPreparation.Prepare(session, claim, larger, sizeGb, mark) is not { } isUntouched)
        {
            return new PublishResult(PublishOutcome.Gone, disk);
        }

        switch (LinkProtocol.Publish(session, file, disk, mayLink, isUntouched, mark))
        {
            case NamingOutcome.Published: return new PublishResult(PublishOutcome.Published, disk);
            case NamingOutcome.Gone: return new PublishResult(PublishOutcome.Gone, disk);
            case NamingOutcome.Abandoned: return new PublishResult(PublishOutcome.Abandoned, disk, Return());
        }

        var found = standing.Of(session, disk, mark);
        StandingDisks.RefuseIfUndecided(mount, disk, mark);
        return found with { Returned = Return() };

        Copy? Return()
        {
            if (larger is not null)
            {
                // Nobody else could use what has grown.
                mount.TryUnlink(file.Name);
                return null;
            }

            if (mark is not null)
            {
                RequestMarks.Clear(mount.Opened(file), file.Name);
            }

            return ready.Add(session, file, claim.Image);
        }
    }

    /// <summary>How the copy becomes as large as it is to be; null when its template has changed. What is refused goes back.</summary>
    private ImageGrowth? Plan(VolumeSession session, Claim claim, int? sizeGb)
    {
        if (sizeGb is not { } size)
        {
            return ImageGrowth.Nothing;
        }

        try
        {
            var plan = growth.TryPlan(session, claim.Image, claim.MadeFrom, size);
            GrowthWriter.RefuseIfFull(session.Mount, plan ?? ImageGrowth.Nothing, policy.ReservePercent);
            return plan;
        }
        catch (RefusedException)
        {
            ready.Add(session, claim.File, claim.Image);
            throw;
        }
    }
}
