using FluentValidation;
using StorageHost.Api.Errors;
using StorageHost.Images.Disks;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;

namespace StorageHost.Api.Dispatch;

/// <summary>What <c>dup</c> needs of the wire.</summary>
internal sealed record DupPayload(IReadOnlyList<(ParsedName<ImageName> Image, long? Wanted)> Levels);

/// <summary>What <c>setimage</c> needs of the wire.</summary>
internal sealed record SetImagePayload(ParsedName<ImageName> Image, ParsedName<Hostname> Hostname, long? Size = null);

/// <summary>What <c>addstorage</c> needs of the wire.</summary>
internal sealed record AddStoragePayload(ParsedName<Hostname> Hostname, long? Size);

/// <summary>What deleting a host needs of the wire.</summary>
internal sealed record DeleteHostPayload(ParsedName<Hostname> Target, bool? Purge);

/// <summary>What deleting a data disk or an image needs of the wire.</summary>
internal sealed record DeletePayload<T>(ParsedName<T> Target);

/// <summary>Checks <c>dup</c>.</summary>
internal sealed class DupValidator : AbstractValidator<DupPayload>
{
    private const int MostEntries = 100;

    public DupValidator(PoolOptions pool) =>
        RuleFor(payload => payload.Levels).Custom((levels, context) =>
        {
            if (levels.Count is 0 or > MostEntries)
            {
                var fault = $"must have 1 to {MostEntries} entries, each an image and its number of copies; it has {levels.Count}";
                context.AddFault(Wire.DuplicateInfo, fault);
                return;
            }

            foreach (var (image, wanted) in levels)
            {
                var field = $"{Wire.DuplicateInfo}.{Echo.Of(image.Text ?? "")}";
                context.AddFault(field, wanted == 0 ? image.Fault : image.NewFault());
                context.AddFault(field, Rules.NumberFault(wanted, 0, pool.MaxCopies));
            }
        });
}

/// <summary>Checks <c>setimage</c>.</summary>
internal sealed class SetImageValidator : AbstractValidator<SetImagePayload>
{
    public SetImageValidator(DisksOptions disks)
    {
        RuleFor(payload => payload.Image).NewImage($"{Wire.CreateVmForm}.{Wire.Image}");
        RuleFor(payload => payload.Hostname).NewHost($"{Wire.CreateVmForm}.{Wire.Hostname}");
        RuleFor(payload => payload.Size).NumberIfAny($"{Wire.CreateVmForm}.{Wire.Size}", 0, () => disks.MaxSizeGb);
    }
}

/// <summary>Checks <c>addstorage</c>.</summary>
internal sealed class AddStorageValidator : AbstractValidator<AddStoragePayload>
{
    public AddStorageValidator(DisksOptions disks)
    {
        RuleFor(payload => payload.Hostname).NewHost($"{Wire.StorageInfo}.{Wire.Hostname}");
        RuleFor(payload => payload.Size).WholeNumber($"{Wire.StorageInfo}.{Wire.Size}", 1, () => disks.MaxSizeGb);
    }
}

/// <summary>Checks the deletion of a host.</summary>
internal sealed class DeleteHostValidator : AbstractValidator<DeleteHostPayload>
{
    public DeleteHostValidator() => RuleFor(payload => payload.Target).Name(Wire.Target);
}

/// <summary>Checks the deletion of a data disk or an image.</summary>
internal sealed class DeleteValidator<T> : AbstractValidator<DeletePayload<T>>
{
    public DeleteValidator() => RuleFor(payload => payload.Target).Name(Wire.Target);
}
