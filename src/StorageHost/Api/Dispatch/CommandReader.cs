using System.Diagnostics;
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

    private readonly DupValidator dup = new(names, pool.Value);
    private readonly SetImageValidator setImage = new(names);
    private readonly AddStorageValidator addStorage = new(names, disks.Value);
    private readonly DeleteHostValidator deleteHost = new(names);
    private readonly DeleteDiskValidator deleteDisk = new(names);
    private readonly DeleteImageValidator deleteImage = new(names);

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
                var levels = Valid(dup, new DupPayload(payload.Numbers(Wire.DuplicateInfo)), faults).Levels;
                return new SetLevels(levels.ToDictionary(level => Image(level.Key), level => (int)level.Value!));
            case Wire.SetImage:
                var form = payload.Object(Wire.CreateVmForm);
                var disk = Valid(setImage, new SetImagePayload(form.Text(Wire.Image), form.Text(Wire.Hostname)), faults);
                return new SetImage(Image(disk.Image), Host(disk.Hostname), key);
            default:
                var info = payload.Object(Wire.StorageInfo);
                var storage = Valid(addStorage, new AddStoragePayload(info.Text(Wire.Hostname), info.Number(Wire.Size)), faults);
                return new AddStorage(Host(storage.Hostname), (int)storage.Size!, key);
        }
    }

    private Command ReadDelete(PayloadReader payload, List<ValidationFailure> faults)
    {
        var what = Verb(payload, faults, Wire.Action, ErrorTable.UnknownAction, Wire.Host, Wire.Disk, Wire.Image);
        var target = payload.Text(Wire.Target);
        return what switch
        {
            Wire.Host => DeleteHost(Valid(deleteHost, new DeletePayload(target, payload.Flag(Wire.Purge)), faults)),
            Wire.Disk => new DeleteDisk(Disk(Valid(deleteDisk, new DeletePayload(target, Purge: null), faults).Target)),
            _ => new DeleteImage(Image(Valid(deleteImage, new DeletePayload(target, Purge: null), faults).Target)),
        };
    }

    private DeleteHost DeleteHost(DeletePayload payload) => new(Host(payload.Target), payload.Purge is true);

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

    private ImageName Image(string? text) => names.ParseImage(text, out var image) is null ? image : throw NotValidated();

    private Hostname Host(string? text) => names.ParseHostname(text, out var hostname) is null ? hostname : throw NotValidated();

    private DataDiskEntry Disk(string? text) => names.ParseDataDisk(text, out var disk) is null ? disk! : throw NotValidated();

    private static UnreachableException NotValidated() => new("a name passed its validator and is none");
}
