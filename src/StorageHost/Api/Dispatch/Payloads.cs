using FluentValidation;
using StorageHost.Api.Errors;
using StorageHost.Images.Disks;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;

namespace StorageHost.Api.Dispatch;

/// <summary>What <c>dup</c> needs of the wire.</summary>
internal sealed record DupPayload(IReadOnlyList<KeyValuePair<string, long?>> Levels);

/// <summary>What <c>setimage</c> needs of the wire.</summary>
internal sealed record SetImagePayload(string? Image, string? Hostname);

/// <summary>What <c>addstorage</c> needs of the wire.</summary>
internal sealed record AddStoragePayload(string? Hostname, long? Size);

/// <summary>What deleting a host, a data disk or an image needs of the wire; purge is for hosts only.</summary>
internal sealed record DeletePayload(string? Target, bool? Purge);

/// <summary>Checks <c>dup</c>.</summary>
internal sealed class DupValidator : AbstractValidator<DupPayload>
{
    private const int MostEntries = 100;

    public DupValidator(FileNames names, PoolOptions pool) =>
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
                var field = $"{Wire.DuplicateInfo}.{Echo.Of(image)}";
                context.AddFault(field, Rules.ImageFault(names, image, out _) ?? (wanted == 0 ? null : Rules.NewNameFault(image)));
                context.AddFault(field, Rules.NumberFault(wanted, 0, pool.MaxCopies));
            }
        });
}

/// <summary>Checks <c>setimage</c>.</summary>
internal sealed class SetImageValidator : AbstractValidator<SetImagePayload>
{
    public SetImageValidator(FileNames names)
    {
        RuleFor(payload => payload.Image).NewImageName($"{Wire.CreateVmForm}.{Wire.Image}", names);
        RuleFor(payload => payload.Hostname).NewHostname($"{Wire.CreateVmForm}.{Wire.Hostname}", names);
    }
}

/// <summary>Checks <c>addstorage</c>.</summary>
internal sealed class AddStorageValidator : AbstractValidator<AddStoragePayload>
{
    public AddStorageValidator(FileNames names, DisksOptions disks)
    {
        RuleFor(payload => payload.Hostname).NewHostname($"{Wire.StorageInfo}.{Wire.Hostname}", names);
        RuleFor(payload => payload.Size).WholeNumber($"{Wire.StorageInfo}.{Wire.Size}", 1, () => disks.MaxSizeGb);
    }
}

/// <summary>Checks the deletion of a host.</summary>
internal sealed class DeleteHostValidator : AbstractValidator<DeletePayload>
{
    public DeleteHostValidator(FileNames names) =>
        RuleFor(payload => payload.Target).Hostname(Wire.Target, names);
}

/// <summary>Checks the deletion of a data disk.</summary>
internal sealed class DeleteDiskValidator : AbstractValidator<DeletePayload>
{
    public DeleteDiskValidator(FileNames names) =>
        RuleFor(payload => payload.Target).DataDisk(Wire.Target, names);
}

/// <summary>Checks the deletion of an image.</summary>
internal sealed class DeleteImageValidator : AbstractValidator<DeletePayload>
{
    public DeleteImageValidator(FileNames names) =>
        RuleFor(payload => payload.Target).ImageName(Wire.Target, names);
}
