using System.Globalization;
using FluentValidation.Results;
using StorageHost.Api.Dispatch;
using StorageHost.Api.Errors;
using StorageHost.Images.Disks;
using StorageHost.Images.Names;

namespace StorageHost.Api.Disks;

/// <summary>Reads what is asked of <c>/disks</c>, and reports every fault at once.</summary>
internal static class DiskQuery
{
    private const string Host = "host";
    private const string Image = "image";
    private const string Kind = "kind";
    private const string After = "after";
    private const string Limit = "limit";
    private const int UsualLimit = 100;
    private const int MostDisks = 1000;

    /// <exception cref="InvalidRequestException">With all faults.</exception>
    public static DiskFilter Read(IQueryCollection query, FileNames names)
    {
        var faults = new List<ValidationFailure>();
        var (hostname, image, after) = (Name(Host, names.Host), Name(Image, names.Image), Name(After, names.AnyDisk));
        var kind = ReadKind(Text(Kind));
        var limit = ReadLimit(Text(Limit));
        return faults is [] ? new DiskFilter(hostname, image, kind, after, limit) : throw new InvalidRequestException(faults);

        string? Text(string member)
        {
            if (query[member].Count > 1)
            {
                faults.Add(new ValidationFailure(member, "must be given once"));
            }

            return query[member].Count == 1 ? query[member][0] : null;
        }

        T? Name<T>(string member, Func<string, ParsedName<T>> parse)
            where T : struct
        {
            if (Text(member) is not { } text)
            {
                return null;
            }

            var name = parse(text);
            if (name.Fault is not { } fault)
            {
                return name.Value;
            }

            faults.Add(new ValidationFailure(member, fault));
            return null;
        }

        DiskKind? ReadKind(string? text)
        {
            if (text is null)
            {
                return null;
            }

            foreach (var known in Enum.GetValues<DiskKind>())
            {
                if (known.ToString().Equals(text, StringComparison.OrdinalIgnoreCase))
                {
                    return known;
                }
            }

            faults.Add(new ValidationFailure(Kind, $"must be system or data; it is '{Echo.Of(text)}'"));
            return null;
        }

        int ReadLimit(string? text)
        {
            if (text is null)
            {
                return UsualLimit;
            }

            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 1 and <= MostDisks)
            {
                return number;
            }

            faults.Add(new ValidationFailure(Limit, $"must be a whole number from 1 to {MostDisks}; it is '{Echo.Of(text)}'"));
            return UsualLimit;
        }
    }
}
