using System.Globalization;
using System.Text;

namespace StorageHost.BlockDevices;

/// <summary>
/// Makes JSON of what lsblk takes for it. Versions before 2.29 write <c>\x20</c> and <c>\xc3\xa9</c> into strings, and a disk may call
/// itself anything: control characters, half of a surrogate pair, bytes that are no UTF-8.
/// </summary>
internal static class LsblkText
{
    private const string Escapes = "\"\\/bfnrt";
    private const char Unknown = '\ufffd';

    /// <summary>The same text, with strings that a JSON reader accepts. What stands outside of strings is left alone.</summary>
    public static string Mend(string text)
    {
        var mended = new StringBuilder(text.Length);
        var inString = false;
        var at = 0;
        while (at < text.Length)
        {
            if (inString && text[at] == '\\')
            {
                at += MendEscape(text.AsSpan(at), mended);
                continue;
            }

            inString ^= text[at] == '"';
            if (inString && text[at] < ' ')
            {
                Escape(text[at], mended);
            }
            else
            {
                mended.Append(text[at]);
            }

            at++;
        }

        return mended.ToString();
    }

    /// <summary>Takes one escape, or a run of those that stand for bytes.</summary>
    /// <returns>How many characters it took.</returns>
    private static int MendEscape(ReadOnlySpan<char> text, StringBuilder mended)
    {
        if (text.Length > 1 && Escapes.Contains(text[1], StringComparison.Ordinal))
        {
            mended.Append(text[..2]);
            return 2;
        }

        if (Number(text, 'u', 4) is { } unit)
        {
            return MendUnit((char)unit, text, mended);
        }

        var bytes = new List<byte>();
        for (; Number(text[(bytes.Count * 4)..], 'x', 2) is { } value; bytes.Add((byte)value))
        {
        }

        if (bytes.Count == 0)
        {
            mended.Append(@"\\");
            return 1;
        }

        foreach (var character in Encoding.UTF8.GetString([.. bytes]))
        {
            Escape(character, mended);
        }

        return bytes.Count * 4;
    }

    private static int MendUnit(char unit, ReadOnlySpan<char> text, StringBuilder mended)
    {
        if (char.IsHighSurrogate(unit) && Number(text[6..], 'u', 4) is { } low && char.IsLowSurrogate((char)low))
        {
            mended.Append(text[..12]);
            return 12;
        }

        Escape(char.IsSurrogate(unit) ? Unknown : unit, mended);
        return 6;
    }

    private static int? Number(ReadOnlySpan<char> text, char kind, int digits) =>
        text.Length >= digits + 2 && text[0] == '\\' && text[1] == kind
        && int.TryParse(text.Slice(2, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            ? value
            : null;

    private static void Escape(char character, StringBuilder mended)
    {
        if (character is '"' or '\\' or < ' ')
        {
            mended.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
        }
        else
        {
            mended.Append(character);
        }
    }
}
