using System.Globalization;

namespace StorageHost.IntegrationTests.Interception;

/// <summary>What becomes of a system call.</summary>
/// <param name="Errno">What it fails with; 0 when it is made as it should be.</param>
/// <param name="IsMade">Whether it is made all the same before it fails, as on a server whose answer was lost.</param>
internal readonly record struct Verdict(int Errno, bool IsMade)
{
    public static Verdict Pass { get; } = new(0, IsMade: true);

    public static Verdict Fail(int errno) => new(errno, IsMade: false);

    public static Verdict MakeAndFail(int errno) => new(errno, IsMade: true);

    public static Verdict Parse(string line) => line.Split(' ') is [var errno, var made]
        ? new Verdict(int.Parse(errno, CultureInfo.InvariantCulture), bool.Parse(made))
        : throw new FormatException(line);

    /// <summary>The verdict as one line of text.</summary>
    public string ToLine() => string.Create(CultureInfo.InvariantCulture, $"{Errno} {IsMade}");
}
