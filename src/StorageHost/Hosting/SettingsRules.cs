using System.Text.RegularExpressions;
using FluentValidation;
using FluentValidation.Results;
using StorageHost.Files.Session;
using StorageHost.Gluster;
using StorageHost.Images.Disks;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;
using StorageHost.Images.Templates;
using StorageHost.Qemu;

namespace StorageHost.Hosting;

/// <summary>What the section <c>Storage</c> must hold.</summary>
internal sealed class StorageRules : AbstractValidator<StorageOptions>
{
    private const string IdPattern = @"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\z";
    private const string IdRule = "must be 1 to 100 letters, digits, '.', '_' or '-', a letter or digit first";

    public StorageRules()
    {
        RuleFor(o => o.Id).Matches(IdPattern).WithMessage(IdRule);
        RuleFor(o => o.VolumeId).Matches(IdPattern).WithMessage(IdRule);
        RuleFor(o => o.Directory).NotEmpty().WithMessage("is required: the directory that holds the images");
        RuleFor(o => o.Directory).Must(directory => directory.StartsWith('/')).When(o => o.Directory.Length > 0)
            .WithMessage("must be an absolute path");
        RuleFor(o => o.TemplateSuffix).Must(FileNames.IsTemplateSuffix)
            .WithMessage(
                "must begin with '_', '-' or '.', hold 2 to 50 letters, digits, '.', '_' or '-', "
                    + "and not look like the name of a disk or a copy");
        RuleFor(o => o.ReservePercent).InclusiveBetween(0, 90).WithMessage("must be 0 to 90");
        RuleFor(o => o.OperationTimeout).InclusiveBetween(TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(5))
            .WithMessage("must be 00:00:00.1 to 00:05:00");
        RuleFor(o => o.TransferTimeout).InclusiveBetween(TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1))
            .WithMessage("must be 00:00:00.1 to 01:00:00");
        RuleFor(o => o.RescanInterval).InclusiveBetween(TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1))
            .WithMessage("must be 00:00:00.1 to 01:00:00");
        RuleFor(o => o.IndexInterval).InclusiveBetween(TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1))
            .WithMessage("must be 00:00:00.1 to 01:00:00");
        RuleFor(o => o).Custom(CheckExtraVolumes);
        RuleFor(o => o.Threads).InclusiveBetween(4, 256).WithMessage("must be 4 to 256");
    }

    private static void CheckExtraVolumes(StorageOptions options, ValidationContext<StorageOptions> context)
    {
        foreach (var (name, path) in options.ExtraVolumes)
        {
            var others = options.ExtraVolumes.Where(other => other.Key != name).Select(other => other.Value);
            Check(name, Regex.IsMatch(name, IdPattern), $"the name {IdRule}");
            Check(name, name != options.VolumeId, "the name is that of the served directory");
            Check(name, path.StartsWith('/'), "must be an absolute path");
            Check(name, !IsSame(path, options.Directory), "is the served directory");
            Check(name, !others.Any(other => IsSame(other, path)), "is the directory of another volume as well");
        }

        void Check(string name, bool isRight, string fault)
        {
            if (!isRight)
            {
                context.AddFailure(new ValidationFailure($"{nameof(StorageOptions.ExtraVolumes)}:{name}", fault));
            }
        }
    }

    private static bool IsSame(string path, string other) =>
        path.StartsWith('/') && other.StartsWith('/') && Path.GetFullPath(path).TrimEnd('/') == Path.GetFullPath(other).TrimEnd('/');
}

/// <summary>What the section <c>Pool</c> must hold.</summary>
internal sealed class PoolRules : AbstractValidator<PoolOptions>
{
    public PoolRules()
    {
        RuleFor(o => o.MaxCopies).InclusiveBetween(0, 1000).WithMessage("must be 0 to 1000");
        RuleFor(o => o.Workers).InclusiveBetween(2, 16).WithMessage("must be 2 to 16: one is kept for callers who wait");
        RuleFor(o => o.MaxWaiting).InclusiveBetween(1, 100_000).WithMessage("must be 1 to 100000");
        RuleFor(o => o.WaitTimeout).InclusiveBetween(TimeSpan.FromSeconds(1), TimeSpan.FromDays(1))
            .WithMessage("must be 00:00:01 to 1.00:00:00");
        RuleFor(o => o.SettleTime).InclusiveBetween(TimeSpan.Zero, TimeSpan.FromHours(1)).WithMessage("must be 00:00:00 to 01:00:00");
        RuleFor(o => o.MaxBytesPerSecond).Must(rate => rate is 0 or >= 1 << 20)
            .WithMessage("must be 0 (no limit) or at least 1048576 (bytes a second)");
    }
}

/// <summary>What the section <c>Disks</c> must hold.</summary>
internal sealed class DisksRules : AbstractValidator<DisksOptions>
{
    public DisksRules()
    {
        RuleFor(o => o.MaxSizeGb).InclusiveBetween(1, 65536).WithMessage("must be 1 to 65536 (GiB)");
        RuleFor(o => o.Mode).Matches("^0?[0-7]{3}\\z").WithMessage("must be an octal mode such as 0660");
        RuleFor(o => o.Owner).GreaterThanOrEqualTo(-1).WithMessage("must be a numeric user id, or -1");
        RuleFor(o => o.Group).GreaterThanOrEqualTo(-1).WithMessage("must be a numeric group id, or -1");
    }
}

/// <summary>What the section <c>Import</c> must hold.</summary>
internal sealed class ImportRules : AbstractValidator<ImportOptions>
{
    public ImportRules()
    {
        RuleFor(o => o.MaxBytes).InclusiveBetween(1 << 20, 1L << 50).WithMessage("must be 1048576 to 1125899906842624 (bytes)");
        RuleFor(o => o.MaxAtOnce).InclusiveBetween(1, 64).WithMessage("must be 1 to 64");
        RuleFor(o => o.StallTimeout).InclusiveBetween(TimeSpan.FromSeconds(1), TimeSpan.FromDays(1))
            .WithMessage("must be 00:00:01 to 1.00:00:00");
        RuleFor(o => o.AllowedHosts).Must(hosts => new AllowedHosts(hosts).AreWell)
            .WithMessage("must be names or addresses of hosts, each with :port if only that is meant, between commas");
        RuleFor(o => o.UrlRetries).InclusiveBetween(0, 100).WithMessage("must be 0 to 100");
        RuleFor(o => o.UploadLifetime).InclusiveBetween(TimeSpan.FromMinutes(1), TimeSpan.FromDays(30))
            .WithMessage("must be 00:01:00 to 30.00:00:00");
    }
}

/// <summary>What the section <c>Templates</c> must hold.</summary>
internal sealed class TemplatesRules : AbstractValidator<TemplatesOptions>
{
    public TemplatesRules() => RuleFor(o => o.KeepVersions).InclusiveBetween(0, 100).WithMessage("must be 0 to 100");
}

/// <summary>What the section <c>Qemu</c> must hold.</summary>
internal sealed class QemuRules : AbstractValidator<QemuOptions>
{
    public QemuRules()
    {
        RuleFor(o => o.Path).NotEmpty().WithMessage("is required");
        RuleFor(o => o.Timeout).InclusiveBetween(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10))
            .WithMessage("must be 00:00:01 to 00:10:00");
        RuleFor(o => o.ConvertTimeout).InclusiveBetween(TimeSpan.FromSeconds(1), TimeSpan.FromDays(1))
            .WithMessage("must be 00:00:01 to 1.00:00:00");
        RuleFor(o => o.MemoryLimitMb).InclusiveBetween(128, 65536).WithMessage("must be 128 to 65536 (MiB)");
    }
}

/// <summary>What the section <c>Gluster</c> must hold.</summary>
internal sealed class GlusterRules : AbstractValidator<GlusterOptions>
{
    public GlusterRules()
    {
        RuleFor(o => o.Path).NotEmpty().WithMessage("is required");
        RuleFor(o => o.Timeout).InclusiveBetween(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5))
            .WithMessage("must be 00:00:01 to 00:05:00");
        RuleFor(o => o.PollInterval).InclusiveBetween(TimeSpan.FromSeconds(1), TimeSpan.FromHours(1))
            .WithMessage("must be 00:00:01 to 01:00:00");
        RuleFor(o => o.MaxBackoff).LessThanOrEqualTo(TimeSpan.FromDays(1)).WithMessage("must be at most 1.00:00:00");
        RuleFor(o => o.MaxBackoff).GreaterThanOrEqualTo(o => o.PollInterval).WithMessage("must be at least Gluster:PollInterval");
        RuleFor(o => o.Node).Matches(@"^([A-Za-z0-9][A-Za-z0-9.:_-]{0,253})?\z")
            .WithMessage("must be the name or address that peers know this node by, or empty");
    }
}
