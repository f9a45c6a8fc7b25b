using Moq;
using StorageHost.Images;
using StorageHost.Images.Disks;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;
using static StorageHost.Tests.Images.Sample;

namespace StorageHost.Tests.Images;

/// <summary>Makes the mocked ports answer as a volume does.</summary>
internal static class OnVolume
{
    public static void SetUp(Core core)
    {
        SetUpVolume(core);
        SetUpPublisher(core);
        core.Engine.Setup(engine => engine.MakeAsync(It.IsAny<ImageName>(), It.IsAny<int>(), It.IsAny<Func<CopyProgress, ValueTask<Pace>>>(), It.IsAny<CancellationToken>()))
            .Returns(async (ImageName image, int copies, Func<CopyProgress, ValueTask<Pace>> progress, CancellationToken cancellationToken) =>
            {
                var of = core.Templates[image].Fingerprint;
                var gate = core.Gate; // Who sees the pass may open the gate for another one.
                core.Passes.Enqueue((image, copies));
                core.Paces.Enqueue(await progress(new CopyProgress(500, 500 * copies)));
                try
                {
                    await gate.WaitAsync(cancellationToken);
                }
                catch (OperationCanceledException)
                {
                    core.Stopped.Enqueue(image);
                    throw;
                }

                return [.. Enumerable.Range(0, copies).Select(_ => core.NewClaim(image, of))];
            });
    }

    private static void SetUpVolume(Core core)
    {
        core.Volume.Setup(volume => volume.EnsureServedAsync(It.IsAny<CancellationToken>())).Returns(Task.CompletedTask);
        core.Volume.Setup(volume => volume.RecoverAsync(It.IsAny<CancellationToken>())).Returns(Task.CompletedTask);
        core.Volume.Setup(volume => volume.FindTemplateAsync(It.IsAny<ImageName>(), It.IsAny<CancellationToken>()))
            .Returns(async (ImageName image, CancellationToken _) => await Task.FromResult(Find(core, image)));
        core.Volume.Setup(volume => volume.InspectTemplateAsync(It.IsAny<ImageName>(), It.IsAny<CancellationToken>()))
            .Returns(async (ImageName image, CancellationToken _) => await Task.FromResult(Find(core, image)));
        core.Volume.Setup(volume => volume.ReadSpaceAsync(It.IsAny<CancellationToken>())).ReturnsAsync(() => core.Space);
        core.Volume.Setup(volume => volume.ScanAsync(It.IsAny<CancellationToken>())).ReturnsAsync(() => Scan(core));
        core.Volume.Setup(volume => volume.WriteLevelAsync(It.IsAny<ImageName>(), It.IsAny<int>(), It.IsAny<CancellationToken>()))
            .Callback((ImageName image, int level, CancellationToken _) => core.Levels[image] = level).Returns(Task.CompletedTask);
        core.Volume.Setup(volume => volume.TryLockPoolAsync(It.IsAny<ImageName>(), It.IsAny<CancellationToken>())).ReturnsAsync(() => new MemoryStream());
    }

    private static void SetUpPublisher(Core core)
    {
        core.Publisher.Setup(publisher => publisher.ClaimAsync(It.IsAny<Copy>(), It.IsAny<CancellationToken>()))
            .Returns(async (Copy copy, CancellationToken cancellationToken) =>
            {
                await Task.CompletedTask;
                cancellationToken.ThrowIfCancellationRequested();
                return core.Copies.TryRemove((copy.Image, copy.Number), out var taken) && taken.MadeFrom is { } of ? core.NewClaim(copy.Image, of) : null;
            });
        core.Publisher.Setup(publisher => publisher.RetireAsync(It.IsAny<Claim>(), It.IsAny<CancellationToken>()))
            .Callback((Claim claim, CancellationToken _) => claim.Dispose()).Returns(Task.CompletedTask);
        core.Publisher.Setup(publisher => publisher.PublishAsync(It.IsAny<Claim>(), It.IsAny<Hostname>(), It.IsAny<int?>(), It.IsAny<RequestMark?>(), It.IsAny<CancellationToken>()))
            .Returns(async (Claim claim, Hostname hostname, int? _, RequestMark? mark, CancellationToken cancellationToken) =>
            {
                await Task.CompletedTask;
                claim.File.Dispose();
                cancellationToken.ThrowIfCancellationRequested();
                var result = Publish(core, claim, hostname);
                if (result.Outcome == PublishOutcome.Published && mark is not null)
                {
                    core.Marks[hostname] = mark;
                }

                return result;
            });
        core.Publisher.Setup(publisher => publisher.FindAsync(It.IsAny<Hostname>(), It.IsAny<RequestMark?>(), It.IsAny<CancellationToken>()))
            .ReturnsAsync((Hostname hostname, RequestMark? mark, CancellationToken _) =>
                !core.Disks.ContainsKey(hostname) ? null
                : mark?.IsOf(core.Marks.GetValueOrDefault(hostname)) == true ? new PublishResult(PublishOutcome.Repeated, Names.SystemDisk(hostname), Source: core.Marks[hostname].Source)
                : new PublishResult(PublishOutcome.HostExists, Names.SystemDisk(hostname)));
        core.Publisher.Setup(publisher => publisher.AddToPoolAsync(It.IsAny<Claim>(), It.IsAny<CancellationToken>()))
            .Returns(async (Claim claim, CancellationToken cancellationToken) =>
            {
                await Task.CompletedTask;
                claim.File.Dispose();
                cancellationToken.ThrowIfCancellationRequested();
                return Add(core, claim.Image, claim.MadeFrom);
            });
        core.Publisher.Setup(publisher => publisher.RetireAsync(It.IsAny<Copy>(), It.IsAny<CancellationToken>()))
            .Callback((Copy copy, CancellationToken _) => core.Copies.TryRemove((copy.Image, copy.Number), out var _)).Returns(Task.CompletedTask);
    }

    private static PublishResult Publish(Core core, Claim claim, Hostname hostname) =>
        claim.MadeFrom != Find(core, claim.Image).Fingerprint ? new PublishResult(PublishOutcome.Stale, Names.SystemDisk(hostname))
        : core.Disks.TryAdd(hostname, claim.Image) ? new PublishResult(PublishOutcome.Published, Names.SystemDisk(hostname))
        : new PublishResult(PublishOutcome.HostExists, Names.SystemDisk(hostname), Add(core, claim.Image, claim.MadeFrom));

    private static Template Find(Core core, ImageName image) =>
        core.Templates.GetValueOrDefault(image) ?? throw new RefusedException(Refusal.ImageNotFound, $"there is no template {image}");

    private static Copy Add(Core core, ImageName image, Fingerprint of)
    {
        lock (core)
        {
            core.AddCopies(1, of, image);
            return core.Copies[(image, core.LastNumber)];
        }
    }

    private static VolumeScan Scan(Core core) =>
        new([.. core.Templates.Values], [.. core.Copies.Values.OrderBy(copy => copy.Number)], core.HeldElsewhere, core.Levels.Where(level => level.Value > 0).ToDictionary(),
            new HashSet<ImageName>(core.Unknown), core.Space);
}
