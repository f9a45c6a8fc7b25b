namespace StorageHost.IntegrationTests.ImageStorages;

/// <summary>A volume as <c>gluster volume info</c> prints it for people.</summary>
internal sealed record VolumeText(string Name, string Type, string Status, string Configuration, string Transport, string[] Bricks)
{
    public static IReadOnlyList<VolumeText> ParseAll(string printed)
    {
        var volumes = new List<VolumeText>();
        foreach (var line in printed.Split('\n').Select(line => line.Split(": ", 2)).Where(parts => parts.Length == 2))
        {
            var (key, value) = (line[0].Trim(), line[1].Trim());
            if (key == "Volume Name")
            {
                volumes.Add(new VolumeText(value, "", "", "", "", []));
                continue;
            }

            var last = volumes[^1];
            volumes[^1] = key switch
            {
                "Type" => last with { Type = value },
                "Status" => last with { Status = value },
                "Number of Bricks" => last with { Configuration = value.Split(" = ")[0] },
                "Transport-type" => last with { Transport = value },
                _ when IsBrick(key) => last with { Bricks = [.. last.Bricks, value.Replace(" (arbiter)", "", StringComparison.Ordinal)] },
                _ => last,
            };
        }

        return volumes;
    }

    // "Brick1", not "Bricks".
    private static bool IsBrick(string key) => key.StartsWith("Brick", StringComparison.Ordinal) && char.IsAsciiDigit(key[^1]);
}
