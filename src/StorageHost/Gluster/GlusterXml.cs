using System.Globalization;
using System.Xml;
using System.Xml.Linq;

namespace StorageHost.Gluster;

/// <summary>
/// Reads what the CLI prints with <c>--xml</c> as if it came from a stranger. What cannot be read is a <see cref="FormatException"/>.
/// </summary>
internal static class GlusterXml
{
    /// <summary>The longest answer that is read, in bytes; a brick takes some 900 of them in <c>volume status</c>.</summary>
    public const int MaxLength = 8 << 20;

    private const int MaxDepth = 32;
    private const string Root = "cliOutput";

    /// <summary>Where the document begins: the CLI and its libraries may print words before it. Negative when there is none.</summary>
    public static int Start(string text) =>
        text.IndexOf("<?xml", StringComparison.Ordinal) is var declaration and >= 0 ? declaration
        : text.IndexOf($"<{Root}", StringComparison.Ordinal) is var root and >= 0 ? root
        : -1;

    public static XElement Parse(string text)
    {
        var document = Document(text);
        try
        {
            using (var probe = Open(document))
            {
                while (probe.Read())
                {
                    // What XElement does with deep trees, it does by recursion.
                    if (probe.Depth > MaxDepth)
                    {
                        throw new FormatException("it is nested too deeply");
                    }
                }
            }

            using var reader = Open(document);
            return XDocument.Load(reader).Root!;
        }
        catch (XmlException exception)
        {
            throw new FormatException(
                document.Contains($"</{Root}>", StringComparison.Ordinal) ? "it is not XML" : "it is cut short", exception);
        }
    }

    public static string Text(this XElement element, string name) =>
        element.TextIfKnown(name) ?? throw new FormatException($"<{element.Name.LocalName}> has no <{name}>");

    /// <summary>The same where another version may leave the element out, or have nothing to say.</summary>
    public static string? TextIfKnown(this XElement element, string name) =>
        element.Element(name)?.Value.Trim() is { Length: > 0 } value ? value : null;

    /// <summary>A whole number that is not negative.</summary>
    /// <param name="element">Where it stands.</param>
    /// <param name="name">Its element.</param>
    /// <param name="otherwise">What it is where the CLI has nothing to say: another version leaves it out, or writes <c>-</c> or
    /// <c>N/A</c>.</param>
    public static int Count(this XElement element, string name, int otherwise) =>
        element.TextIfKnown(name) is not (null or "-" or "N/A") and var text ? Number(name, text) : otherwise;

    /// <summary>A number of which nothing depends on being told.</summary>
    public static long? CountIfKnown(this XElement element, string name) =>
        long.TryParse(element.TextIfKnown(name), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;

    private static int Number(string name, string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new FormatException($"<{name}> is not a count");

    private static string Document(string text)
    {
        var start = Start(text);
        if (start < 0)
        {
            throw new FormatException(string.IsNullOrWhiteSpace(text) ? "it is empty" : "it is not XML");
        }

        var end = text.LastIndexOf($"</{Root}>", StringComparison.Ordinal);
        var document = text[start..(end > start ? end + Root.Length + 3 : text.Length)];

        // One odd byte, in an option's value for example, is no reason to read nothing at all.
        return document.AsSpan().ContainsAnyExceptInRange(' ', '\ud7ff') ? string.Create(document.Length, document, CopyLegal) : document;
    }

    private static void CopyLegal(Span<char> copy, string text)
    {
        for (var at = 0; at < copy.Length; at++)
        {
            var isPair = at + 1 < text.Length && char.IsSurrogatePair(text[at], text[at + 1]);
            copy[at] = isPair || XmlConvert.IsXmlChar(text[at]) ? text[at] : '\ufffd';
            if (isPair)
            {
                copy[++at] = text[at];
            }
        }
    }

    private static XmlReader Open(string text) => XmlReader.Create(
        new StringReader(text),
        new XmlReaderSettings
        {
            CheckCharacters = false,
            CloseInput = true,
            DtdProcessing = DtdProcessing.Prohibit,
            MaxCharactersInDocument = MaxLength,
            XmlResolver = null,
        });
}
