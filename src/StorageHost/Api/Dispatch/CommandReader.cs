using FluentValidation;
using FluentValidation.Results;
using Microsoft.Extensions.Options;
using StorageHost.Api.Errors;
using StorageHost.Images.Disks;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;

namespace StorageHost.Api.Dispatch;

/// <summary>
/// Reads a request on <c>/</c> into a <see cref="Command"/>, or throws an <see cref="InvalidRequestException"/> with all its faults.
/// </summary>
internal sealed class CommandReader(FileNames names, IOptions<PoolOptions> pool, IOptions<DisksOptions> disks)
{
    private static readonly ReadOnlyMemory<byte> EmptyObject = "{}"u8.ToArray();

    private readonly DupValidator dup = new(pool.Value);
    private readonly SetImageValidator setImage = new(disks.Value);
    private readonly AddStorageValidator addStorage = new(disks.Value);
    private readonly DeleteHostValidator deleteHost = new();
    private readonly DeleteValidator<DataDiskEntry> deleteDisk = new();
    private readonly DeleteValidator<ImageName> deleteImage = new();

    /// <param name="method">GET, POST or DELETE. GET and DELETE need no body: browsers cannot send one with them.</param>
    /// <param name="body">The body as it came.</param>
    /// <param name="query">Gives GET and DELETE the same members; POST ignores it.</param>
    /// <param name="key">The header <c>Idempotency-Key</c>; null when there is none.</param>
    public Command Read(string method, ReadOnlyMemory<byte> body, IQueryCollection query, string? key = null)
    {
        var isPost = HttpMethods.IsPost(method);
        using var document = RequestBody.Parse(body.IsEmpty && !isPost ? EmptyObject : body);
        var faults = new List<ValidationFailure>();
        var payload = new PayloadReader(document.RootElement, isPost ? QueryCollection.Empty : query, faults);
        return isPost ? ReadPost(payload, IdempotencyKey.Read(key, faults), faults)
            : HttpMethods.IsDelete(method) ? ReadDelete(payload, faults)
            : ReadGet(payload, faults);
    }

    private static ListImages ReadGet(PayloadReader payload, List<ValidationFailure> faults)
    {
        Verb(payload, faults, Wire.Target, ErrorTable.UnknownTarget, Wire.Images);
        return new ListImages();
    }

    private Command ReadPost(PayloadReader payload, string? key, List<ValidationFailure> faults)
    {
        switch (Verb(payload, faults, Wire.Action, ErrorTable.UnknownAction, Wire.Dup, Wire.SetImage, Wire.AddStorage))
        {
            case Wire.Dup:
                var numbers = payload.Numbers(Wire.DuplicateInfo);
                var levels = Valid(dup, new DupPayload([.. numbers.Select(level => (names.Image(level.Key), level.Value))]), faults).Levels;
                return new SetLevels(levels.ToDictionary(level => level.Image.Value, level => (int)level.Wanted!));
            case Wire.SetImage:
                var form = payload.Object(Wire.CreateVmForm);
                var asked = new SetImagePayload(
                    names.Image(form.Text(Wire.Image)), names.Host(form.Text(Wire.Hostname)), form.Number(Wire.Size));
                var disk = Valid(setImage, asked, faults);
                return new SetImage(disk.Image.Value, disk.Hostname.Value, key, disk.Size is null or 0 ? null : (int)disk.Size);
            default:
                var info = payload.Object(Wire.StorageInfo);
                var storage = Valid(
                    addStorage, new AddStoragePayload(names.Host(info.Text(Wire.Hostname)), info.Number(Wire.Size)), faults);
                return new AddStorage(storage.Hostname.Value, (int)storage.Size!, key);
        }
    }

    private Command ReadDelete(PayloadReader payload, List<ValidationFailure> faults)
    {
        var what = Verb(payload, faults, Wire.Action, ErrorTable.UnknownAction, Wire.Host, Wire.Disk, Wire.Image);
        var target = payload.Text(Wire.Target);
        return what switch
        {
            Wire.Host => DeleteHost(Valid(deleteHost, new DeleteHostPayload(names.Host(target), payload.Flag(Wire.Purge)), faults)),
            Wire.Disk => new DeleteDisk(Valid(deleteDisk, new DeletePayload<DataDiskEntry>(names.DataDisk(target)), faults).Target.Value),
            _ => new DeleteImage(Valid(deleteImage, new DeletePayload<ImageName>(names.Image(target)), faults).Target.Value),
        };
    }

    private static DeleteHost DeleteHost(DeleteHostPayload payload) => new(payload.Target.Value, payload.Purge is true);

    private static string Verb(
        PayloadReader payload, List<ValidationFailure> faults, string member, ErrorKind unknown, params IReadOnlyList<string> known)
    {
        var verb = payload.Text(member, StringComparison.OrdinalIgnoreCase);
        if (string.IsNullOrEmpty(verb))
        {
            throw new InvalidRequestException(
                faults is [] ? [new ValidationFailure(member, $"is required; known here: {string.Join(", ", known)}")] : faults);
        }

        return known.FirstOrDefault(word => string.Equals(word, verb, StringComparison.OrdinalIgnoreCase))
            ?? throw new InvalidRequestException(unknown, $"{member} '{Echo.Of(verb)}' is unknown; known here: {string.Join(", ", known)}");
    }

    /// <summary>A field whose kind is wrong already has its fault: that the rest of it is missing would say it twice.</summary>
    private static T Valid<T>(AbstractValidator<T> validator, T payload, List<ValidationFailure> faults)
    {
        var known = faults.Select(fault => fault.PropertyName).ToHashSet(StringComparer.Ordinal);
        faults.AddRange(validator.Validate(payload).Errors.Where(fault => !known.Contains(fault.PropertyName)));
        return faults is [] ? payload : throw new InvalidRequestException(faults);
    }
}
