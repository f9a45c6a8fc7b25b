using StorageHost.Files.Catalog;
using StorageHost.Files.Growing;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images.Disks;
using StorageHost.Images.Pools;

namespace StorageHost.Files.Publishing;

/// <summary>What is done to a claimed copy before it gets its name: it grows, and is marked with its request.</summary>
internal static class ClaimPreparation
{
    /// <summary>Prepares a claim.</summary>
    /// <param name="session">The session that it belongs to.</param>
    /// <param name="claim">The claim. What has grown belongs to no pool any more.</param>
    /// <param name="growth">How it grows; null when it stays as it is.</param>
    /// <param name="sizeGb">To how many GiB.</param>
    /// <param name="mark">The request's mark; null when it has none.</param>
    /// <returns>Whether the state of a file is still the one that was prepared; null when the claim was another daemon's.</returns>
    public static Func<FileStat, bool>? Prepare(
        VolumeSession session, Claim claim, ImageGrowth? growth, int? sizeGb, RequestMark? mark)
    {
        var isUntouched = growth is not null
            ? Grow(session, claim.File, growth, sizeGb!.Value)
            : stat => CopyRecord.IsWhole(stat, claim.MadeFrom, claim.MadeFrom);
        if (isUntouched is not null)
        {
            RequestMarks.Write(session.Mount.Opened(claim.File), claim.File.Name, mark);
        }

        return isUntouched;
    }

    /// <remarks>
    /// The rename goes first: the servers decide by it whether the file is still this daemon's, and nothing gives one of the new name back
    /// to a pool. A daemon that was cut off would else write into a disk that another one has published.
    /// </remarks>
    private static Func<FileStat, bool>? Grow(VolumeSession session, PrivateFile file, ImageGrowth growth, int sizeGb)
    {
        if (!session.Private.TryMove(session.Mount, file, PrivateKind.Making, PrivateNames.DetailOfSize(sizeGb)))
        {
            return null;
        }

        var handle = GrowingFile.OpenedForWriting(session.Mount, file);
        if (growth.IsAtOnce)
        {
            // The fsync after the link makes it durable with the name. After a loss of power in between, recovery finishes it.
            GrowthWriter.Apply(handle, file.Name, growth);
        }
        else
        {
            DirectoryHandle.Sync(handle, file.Name);
            GrowthWriter.Apply(handle, file.Name, growth);
            DirectoryHandle.Sync(handle, file.Name);
        }

        var grown = DirectoryHandle.Stat(handle, file.Name).Fingerprint;
        return stat => stat.Links == 1 && stat.Fingerprint == grown;
    }
}
