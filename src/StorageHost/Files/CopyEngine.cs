using Microsoft.Extensions.Options;
using Microsoft.Win32.SafeHandles;
using StorageHost.Images;

namespace StorageHost.Files;

/// <summary>
/// The one way a copy is made: reflinked where the file system shares blocks, else read once and written to every copy. A copy is handed
/// on only when it is on the storage and reads back as its template does.
/// </summary>
internal sealed class CopyEngine(
    StorageVolume volume, FileNames names, TemplateFile templates, FilePermissions permissions, IOptions<PoolOptions> options, TimeProvider time) : ICopyEngine
{
    /// <summary>How much is read and written at a time: large enough for Gluster, small enough to cancel and to time out.</summary>
    private const int BufferSize = 4 * 1024 * 1024;

    /// <summary>A template written to within this time may still be written to without its modification time showing it.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(1);

    public async Task<IReadOnlyList<Claim>> MakeAsync(ImageName image, int copies, Action<long, long> progress, CancellationToken cancellationToken)
    {
        var (source, template) = await OpenSettledAsync(image, cancellationToken);
        var making = new List<CopyInTheMaking>();
        var whole = false;
        try
        {
            while (making.Count < copies)
            {
                making.Add(await RunAsync("create a copy", session => CopyInTheMaking.Create(session, image), cancellationToken));
            }

            var digest = await RunAsync("reflink", _ => making.All(copy => copy.TryReflink(source)), cancellationToken)
                ? ""
                : await StreamAsync(source, template, making, progress, cancellationToken);
            foreach (var copy in making)
            {
                await RunAsync("make a copy durable", _ => copy.Finish(template.Fingerprint, digest, permissions), cancellationToken);
                await VerifyAsync(copy, template, digest, cancellationToken);
            }

            await RunAsync("look at the template again", session => CheckUnchanged(session, source, template), cancellationToken);
            progress(template.Fingerprint.Size, template.Fingerprint.Size);
            whole = true;
            return [.. making.Select(copy => new Claim(image, copy.Private, template.Fingerprint))];
        }
        finally
        {
            volume.Release(source);
            await CloseAsync(making, whole);
        }
    }

    private async Task<(SafeFileHandle Source, Template Template)> OpenSettledAsync(ImageName image, CancellationToken cancellationToken)
    {
        while (true)
        {
            var opened = await volume.RunAsync(
                "open a template",
                (VolumeSession session, StorageCall<(SafeFileHandle, Template Template)> _) => (templates.Open(session.Mount, image, out var template), template),
                cancellationToken);
            var age = time.GetUtcNow() - DateTimeOffset.UnixEpoch - TimeSpan.FromMicroseconds(opened.Template.Fingerprint.ModifiedNs / 1000);
            if (age < TimeSpan.Zero || age >= Settling)
            {
                return opened;
            }

            volume.Release(opened.Item1);
            await Task.Delay(Settling - age, time, cancellationToken);
        }
    }

    private async Task<string> StreamAsync(
        SafeFileHandle source, Template template, List<CopyInTheMaking> making, Action<long, long> progress, CancellationToken cancellationToken)
    {
        var length = template.Fingerprint.Size;
        await RunAsync("size copies", _ => making.ForEach(copy => copy.SetLength(length)), cancellationToken);
        using var digest = new ContentDigest();
        var reader = new SparseReader(source, names.Template(template.Image).Text, length);
        var buffer = GC.AllocateUninitializedArray<byte>(BufferSize);
        while (await volume.TransferAsync(
            "copy",
            (VolumeSession _, StorageCall<bool> _) => reader.ReadNext(buffer, (offset, data) =>
            {
                digest.AddRun(offset, data);
                foreach (var copy in making)
                {
                    copy.Write(offset, data);
                }
            }),
            cancellationToken))
        {
            progress(reader.Position, length);
        }

        return digest.Finish();
    }

    private async Task VerifyAsync(CopyInTheMaking copy, Template template, string expected, CancellationToken cancellationToken)
    {
        if (expected.Length == 0)
        {
            return;
        }

        using var digest = new ContentDigest();
        var reader = new SparseReader(copy.File, copy.Private.Name, template.Fingerprint.Size);
        var buffer = GC.AllocateUninitializedArray<byte>(BufferSize);
        if (options.Value.Verify)
        {
            await RunAsync("drop the page cache of a copy", _ => Syscalls.Advise(copy.File, 0, 0, Syscalls.AdviseDontNeed), cancellationToken);
        }

        while (await volume.TransferAsync("verify", (VolumeSession _, StorageCall<bool> _) => reader.ReadNext(buffer, digest.AddRun), cancellationToken))
        {
        }

        if (digest.Finish() != expected)
        {
            throw new RefusedException(Refusal.StorageUnavailable, $"a copy of {template.Image} does not read back as it was written");
        }
    }

    private void CheckUnchanged(VolumeSession session, SafeFileHandle source, Template template)
    {
        var name = names.Template(template.Image).Text;
        if (templates.Find(session.Mount, template.Image).Fingerprint != template.Fingerprint || Mount.Stat(source, name).Fingerprint != template.Fingerprint)
        {
            throw new RefusedException(Refusal.JobConflict, $"the template {template.Image} changed while it was copied");
        }
    }

    private async Task CloseAsync(List<CopyInTheMaking> making, bool keep)
    {
        // The caller may be gone by now; what it leaves is removed all the same.
        foreach (var copy in making)
        {
            volume.Release(copy.File);
            if (!keep)
            {
                try
                {
                    await RunAsync("discard a copy", session => session.Mount.TryUnlink(copy.Private.Name), CancellationToken.None);
                }
                catch (RefusedException)
                {
                    // Recovery sweeps it when the storage answers again.
                }
                finally
                {
                    copy.Private.Dispose();
                }
            }
        }
    }

    private Task<bool> RunAsync(string operation, Action<VolumeSession> work, CancellationToken cancellationToken) => RunAsync(
        operation,
        session =>
        {
            work(session);
            return true;
        },
        cancellationToken);

    private Task<T> RunAsync<T>(string operation, Func<VolumeSession, T> work, CancellationToken cancellationToken) =>
        volume.TransferAsync(operation, (VolumeSession session, StorageCall<T> _) => work(session), cancellationToken);
}
