using System.Globalization;
using System.Text;
using Xunit;

namespace StorageHost.Tests.Hosting.Telemetry;

/// <summary>A sample as a scraper reads it.</summary>
internal sealed record Sample(string Name, IReadOnlyList<(string Name, string Value)> Labels, double Value)
{
    /// <summary>Reads every line that is no comment.</summary>
    public static Sample[] ReadAll(string text)
    {
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        return [.. text[..^1].Split('\n').Where(line => line.Length > 0 && line[0] != '#').Select(Read)];
    }

    private static Sample Read(string line)
    {
        var at = line.IndexOfAny(['{', ' ']);
        var (name, labels) = (line[..at], new List<(string, string)>());
        while (line[at] is '{' or ',')
        {
            var equals = line.IndexOf('=', at);
            var label = line[(at + 1)..equals];
            Assert.Equal('"', line[equals + 1]);
            var value = new StringBuilder();
            for (at = equals + 2; line[at] != '"'; at++)
            {
                value.Append(line[at] != '\\' ? line[at] : line[++at] switch { 'n' => '\n', '"' => '"', '\\' => '\\', _ => throw new FormatException(line) });
            }

            labels.Add((label, value.ToString()));
            at++;
        }

        var number = line[(at + (line[at] == '}' ? 2 : 1))..];
        return new(name, labels, number switch { "+Inf" => double.PositiveInfinity, "-Inf" => double.NegativeInfinity, _ => double.Parse(number, CultureInfo.InvariantCulture) });
    }
}
