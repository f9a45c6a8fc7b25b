using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Catalog;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;

namespace StorageHost.Files.Copying;

/// <summary>
/// The one way a copy is made: reflinked where the file system shares blocks, else read once and written to every copy, reading and
/// writing at the same time. A copy is handed on only when it is on the storage and is what its template is.
/// </summary>
internal sealed class CopyEngine(
    VolumeSessions volume, FileNames names, TemplateFile templates, ReplacedTemplates replaced, CheckedTemplates safe,
    FilePermissions permissions, IOptions<PoolOptions> options, ImageMetrics metrics, TimeProvider time) : ICopyEngine
{
    /// <summary>
    /// How much is read and written at a time, in bytes. FUSE takes a direct write apart and sends the parts at once, but lets no second
    /// write into a file meanwhile: so few large ones. Larger ones still are no faster, and whoever cancels waits for one of each copy
    /// (docs/benchmarks.md).
    /// </summary>
    private const int BlockSize = 1 << 20;

    /// <summary>The same at a gentle pace.</summary>
    private const int GentleBlockSize = 256 << 10;

    /// <summary>How much of a copy is read back at a time; each copy has such a buffer of its own then.</summary>
    private const int ReadBackBlockSize = 1 << 20;

    /// <summary>How many blocks are on their way at the same time: one is read while the other is written.</summary>
    private const int Depth = 2;

    /// <summary>After how many blocks it is asked again whether the template was replaced: a round trip on Gluster.</summary>
    private const int BlocksBetweenLooks = 32;

    /// <summary>What stands for the digest of a reflinked copy, which has the very blocks of its template.</summary>
    private const string Reflinked = "reflink";

    /// <summary>Blocks of passes that have ended: as garbage they would lie about until a rare full collection.</summary>
    private readonly ConcurrentBag<AlignedBuffer> spare = [];

    public async Task<IReadOnlyList<Claim>> MakeAsync(
        ImageName image, int copies, Func<CopyProgress, ValueTask<Pace>> progress, CancellationToken cancellationToken)
    {
        var opened = await safe.OpenAsync(image, cancellationToken);
        var (source, template) = (opened.Source, opened.Template);
        var making = new List<CopyInTheMaking>();
        var whole = false;
        try
        {
            while (making.Count < copies)
            {
                making.Add(await RunAsync(
                    "create a copy", session => CopyInTheMaking.Create(session, opened, time.GetUtcNow()), cancellationToken));
            }

            var digest = await RunAsync("reflink", _ => making.TrueForAll(copy => copy.TryReflink(source)), cancellationToken)
                ? Reflinked
                : await StreamAsync(source, template, making, progress, cancellationToken);
            var origins = await Task.WhenAll(making.Select(copy => FinishAsync(copy, template, digest, cancellationToken)));
            await RunAsync("look at the template again", session => CheckUnchanged(session, source, template), cancellationToken);
            whole = true;
            return [.. making.Zip(origins, (copy, origin) => new Claim(image, copy.File, origin))];
        }
        finally
        {
            volume.Release(opened);
            if (!whole)
            {
                await Task.WhenAll(making.Select(DiscardAsync));
            }
        }
    }

    private async Task<string> StreamAsync(
        SafeFileHandle source, Template template, List<CopyInTheMaking> making, Func<CopyProgress, ValueTask<Pace>> progress,
        CancellationToken cancellationToken)
    {
        var length = template.Fingerprint.Size;
        var reader = new SparseReader(source, names.Template(template.Image).Text, length);
        var digest = new ContentDigest();
        var buffers = new AlignedBuffer[Depth];
        var writing = Array.ConvertAll(buffers, _ => Task.CompletedTask);
        var written = 0L;
        try
        {
            for (var read = 0; ; read++)
            {
                var slot = read % Depth;
                await writing[slot];
                var pace = await progress(new CopyProgress(reader.Position, Interlocked.Read(ref written)));
                var aligned = buffers[slot] ??= spare.TryTake(out var used) ? used : new AlignedBuffer(BlockSize);
                var buffer = aligned.Memory[..(pace == Pace.Full ? BlockSize : GentleBlockSize)];
                var isTime = read % BlocksBetweenLooks == BlocksBetweenLooks - 1;
                if (await RunAsync("read a template", session => ReadNext(session, isTime, buffer), cancellationToken) is not { } block)
                {
                    break;
                }

                writing[slot] = Task.WhenAll(making.Select(copy => copy.LastWrite = WriteAsync(copy, copy.LastWrite, block)));
                if (pace == Pace.Gentle)
                {
                    await Task.WhenAll(writing);
                    await RunAsync("write a copy", _ => making[0].Flush(), cancellationToken);
                }
            }

            await Task.WhenAll(writing);
        }
        finally
        {
            // Nothing may write any more when the copies are discarded; what failed first is thrown already.
            await Task.WhenAll(writing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        // Only now: a call that was given up may go on in its thread, and use its block for as long as it hangs.
        Array.ForEach(Array.FindAll(buffers, buffer => buffer is not null), spare.Add);
        await RunAsync("size copies", _ => making.ForEach(copy => copy.SetLength(length)), cancellationToken);
        return digest.Finish();

        DataBlock? ReadNext(VolumeSession session, bool isTime, Memory<byte> buffer)
        {
            if (isTime)
            {
                replaced.RefuseReplaced(session.Mount, source, template.Image);
            }

            return reader.ReadNext(buffer, digest);
        }

        async Task WriteAsync(CopyInTheMaking copy, Task before, DataBlock block)
        {
            await before;
            var bytes = await RunAsync("write a copy", _ => copy.Write(block), cancellationToken);
            Interlocked.Add(ref written, bytes);
            metrics.Wrote(bytes);
        }
    }

    private async Task<Origin> FinishAsync(CopyInTheMaking copy, Template template, string digest, CancellationToken cancellationToken)
    {
        var origin = await RunAsync("make a copy durable", _ => copy.Finish(template.Fingerprint, digest, permissions), cancellationToken);
        if (options.Value.Verify
            && digest != Reflinked
            && await ReadBackAsync(copy, template.Fingerprint.Size, cancellationToken) != digest)
        {
            throw new RefusedException(Refusal.StorageUnavailable, $"a copy of {template.Image} does not read back as it was written");
        }

        return origin;
    }

    private async Task<string> ReadBackAsync(CopyInTheMaking copy, long length, CancellationToken cancellationToken)
    {
        var reader = new SparseReader(copy.Handle, copy.File.Name, length);
        var buffer = new AlignedBuffer(ReadBackBlockSize).Memory;
        var digest = new ContentDigest();
        while (await RunAsync("read a copy back", _ => reader.ReadNext(buffer, digest), cancellationToken) is not null)
        {
        }

        return digest.Finish();
    }

    private void CheckUnchanged(VolumeSession session, SafeFileHandle source, Template template)
    {
        var name = names.Template(template.Image).Text;
        replaced.RefuseReplaced(session.Mount, source, template.Image);
        if (!templates.IsStill(session.Mount, template.Image, template.Fingerprint)
            || DirectoryHandle.Stat(source, name).Fingerprint != template.Fingerprint)
        {
            throw new RefusedException(Refusal.JobConflict, $"the template {template.Image} changed while it was copied");
        }
    }

    private async Task DiscardAsync(CopyInTheMaking copy)
    {
        try
        {
            // The caller may be gone by now; what it leaves is removed all the same.
            await RunAsync("discard a copy", session => session.Mount.TryUnlink(copy.File.Name), CancellationToken.None);
        }
        catch (RefusedException)
        {
            // Recovery sweeps it when the storage answers again.
        }
        finally
        {
            copy.Dispose();
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
