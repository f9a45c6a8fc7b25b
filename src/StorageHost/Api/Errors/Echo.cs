using System.Globalization;
using System.Text;

namespace StorageHost.Api.Errors;

/// <summary>Shows a client's input in a message or a log line: short, and without anything that moves a terminal's cursor.</summary>
internal static class Echo
{
    private const int Usual = 40;

    /// <summary>Shows it.</summary>
    /// <param name="input">What a client sent.</param>
    /// <param name="longest">How many characters are shown.</param>
    public static string Of(string input, int longest = Usual)
    {
        var shown = new StringBuilder();
        var runes = 0;
        foreach (var rune in input.EnumerateRunes())
        {
            if (runes++ == longest)
            {
                return shown.Append("...").ToString();
            }

            shown.Append(IsVisible(rune) ? rune.ToString() : "?");
        }

        return shown.ToString();
    }

    private static bool IsVisible(Rune rune) => Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);
}
