using System.Globalization;
using System.Xml.Linq;

namespace StorageHost.Gluster;

/// <summary>What one brick knows of entries that need healing.</summary>
/// <param name="Brick"><c>node:/path</c>.</param>
/// <param name="Pending">Entries that wait for it or are being healed.</param>
/// <param name="SplitBrain">Entries in split-brain; null when it was not told.</param>
internal sealed record BrickHeal(string Brick, int Pending, int? SplitBrain);

/// <summary>
/// Reads <c>gluster volume heal … info summary</c>, or the older <c>statistics heal-count</c>. A brick that could not be asked is left out.
/// </summary>
internal static class HealList
{
    private const string BrickLine = "Brick ";
    private const string CountLine = "Number of entries:";

    public static Reading<BrickHeal> ParseSummary(XElement answer)
    {
        var bricks = new List<BrickHeal>();
        string? unread = null;
        foreach (var brick in (answer.Element("healInfo") ?? throw new FormatException("it has no <healInfo>"))
            .Elements("bricks").Elements("brick"))
        {
            if (brick.TextIfKnown("name") is not { } name)
            {
                unread = "a brick has no name";
                continue;
            }

            // The image of a running VM is healed for minutes, and only "possibly" by this count.
            if (Count("numberOfEntriesInHealPending") is { } pending && Count("numberOfEntriesPossiblyHealing") is { } healing)
            {
                bricks.Add(new BrickHeal(name, Clamp((long)pending + healing), Count("numberOfEntriesInSplitBrain")));
            }

            int? Count(string element) => brick.CountIfKnown(element) is { } count ? Clamp(count) : null;
        }

        return new(bricks, unread);
    }

    public static Reading<BrickHeal> ParseCount(string text)
    {
        var bricks = new List<BrickHeal>();
        var brick = "";
        foreach (var line in text.EnumerateLines())
        {
            if (line.StartsWith(BrickLine, StringComparison.Ordinal))
            {
                brick = line[BrickLine.Length..].Trim().ToString();
            }
            else if (line.StartsWith(CountLine, StringComparison.Ordinal)
                && int.TryParse(line[CountLine.Length..].Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var pending))
            {
                bricks.Add(new BrickHeal(brick, pending, SplitBrain: null));
            }
        }

        return new(bricks, brick.Length == 0 ? "it names no brick" : null);
    }

    private static int Clamp(long count) => (int)Math.Min(count, int.MaxValue);
}
