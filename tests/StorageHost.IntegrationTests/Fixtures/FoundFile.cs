using System.Globalization;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>One entry of a storage directory: its path in there, its type as find prints it (f, d, l…), and what lstat says of it.</summary>
internal sealed record FoundFile(string Name, char Type, ulong Inode, int Links, long Size)
{
    private const string Private = ".storagehost";

    private string[] Parts => Name.Split('/');

    public bool IsPrivate => Parts[0] is Private;

    /// <summary>The private directory of a daemon.</summary>
    public bool IsDaemon => IsPrivate && Type == 'd' && Parts is [_, not ("levels" or "locks" or "deleted" or "versions" or "protected" or "uploads" or "jobs")];

    /// <summary>A file that a daemon works on, or forgot.</summary>
    public bool IsInTheMaking => !IsClaim && Type != 'd'
        && Parts is [Private, not ("levels" or "locks" or "deleted" or "versions" or "protected" or "jobs"), not "lock", ..] or [Private, not "template-suffix"];

    /// <summary>The image that it is a copy of, ready in the pool or claimed ahead; null when it is none.</summary>
    public string? ImageOfCopy => IsClaim ? Parts[2].Split('-', 3)[2]
        : !IsPrivate && Name.EndsWith("_ready", StringComparison.Ordinal) && Name.Contains("_dup_", StringComparison.Ordinal) ? Name[..Name.LastIndexOf("_dup_", StringComparison.Ordinal)]
        : null;

    /// <summary>The image whose level it is; null when it is none.</summary>
    public string? ImageOfLevel => Parts is [Private, "levels", var image] ? image : null;

    /// <summary>An earlier file of a template.</summary>
    public bool IsVersion => Parts is [Private, "versions", _];

    private bool IsClaim => IsPrivate && Type == 'f' && Parts is [_, _, var name] && name.StartsWith("claim-", StringComparison.Ordinal);

    /// <summary>Lists a directory and what is below it. Files may come and go meanwhile.</summary>
    public static async Task<IReadOnlyList<FoundFile>> ListAsync(string directory)
    {
        var said = await Shell.TryAsync("find", directory, "-mindepth", "1", "-printf", @"%P\t%y\t%i\t%n\t%s\n");
        return [.. said.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Parse)];
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name} ({Type}, inode {Inode}, {Links} names, {Size} bytes)");

    private static FoundFile Parse(string line)
    {
        var part = line.Split('\t');
        return new FoundFile(
            part[0], part[1][0], ulong.Parse(part[2], CultureInfo.InvariantCulture), int.Parse(part[3], CultureInfo.InvariantCulture), long.Parse(part[4], CultureInfo.InvariantCulture));
    }
}
