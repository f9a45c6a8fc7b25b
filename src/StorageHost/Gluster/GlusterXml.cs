using System.Globalization;
using System.Xml;
using System.Xml.Linq;

namespace StorageHost.Gluster;

/// <summary>Reads what the CLI prints with <c>--xml</c> as if it came from a stranger.</summary>
internal static class GlusterXml
{
    /// <summary>The longest answer that is read, in bytes; a brick takes some 900 of them in <c>volume status</c>.</summary>
    public const int MaxLength = 8 << 20;

    private const int MaxDepth = 32;

    public static XElement Parse(string text)
    {
        try
        {
            using (var probe = Open(text))
            {
                while (probe.Read())
                {
                    // What XElement does with deep trees, it does by recursion.
                    if (probe.Depth > MaxDepth)
                    {
                        throw Unreadable("it is nested too deeply");
                    }
                }
            }

            using var reader = Open(text);
            return XDocument.Load(reader).Root!;
        }
        catch (XmlException exception)
        {
            throw new GlusterException(GlusterFault.Failed, "gluster gave an answer that is not XML", exception);
        }
    }

    /// <summary>The elements of a list that may be left out when it is empty.</summary>
    public static IEnumerable<XElement> List(this XElement answer, string parent, string list, string element) =>
        answer.Element(parent)?.Element(list)?.Elements(element) ?? [];

    public static string Text(this XElement element, string name) =>
        element.Element(name)?.Value is { Length: > 0 } value ? value : throw Unreadable($"<{element.Name.LocalName}> has no <{name}>");

    /// <summary>A whole number that is not negative.</summary>
    public static int Count(this XElement element, string name) =>
        int.TryParse(element.Text(name), NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw Unreadable($"<{name}> is not a count");

    /// <summary>The same where the CLI may have nothing to say and writes <c>N/A</c>, <c>-</c> or leaves the element out.</summary>
    public static long? CountIfKnown(this XElement element, string name) =>
        long.TryParse(element.Element(name)?.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;

    public static GlusterException Unreadable(string why) => new(GlusterFault.Failed, $"gluster gave an answer that cannot be read: {why}");

    private static XmlReader Open(string text) => XmlReader.Create(
        new StringReader(text),
        new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null, MaxCharactersInDocument = MaxLength, CloseInput = true });
}
