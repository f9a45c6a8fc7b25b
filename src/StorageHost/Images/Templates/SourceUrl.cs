using System.Diagnostics.CodeAnalysis;

namespace StorageHost.Images.Templates;

/// <summary>
/// A URL that a template is fetched from. It may hold secrets: what is shown and kept of it has neither a user's name and password nor a
/// query.
/// </summary>
internal sealed class SourceUrl
{
    /// <summary>The longest URL that is taken, in characters.</summary>
    public const int MaxLength = 4000;

    /// <summary>So much of it is shown at most: it has to fit into an attribute of the template.</summary>
    private const int Shown = 700;

    private SourceUrl(Uri address) => Address = address;

    /// <summary>All of it.</summary>
    public Uri Address { get; }

    /// <summary>Reads a URL.</summary>
    /// <param name="text">As it stands on the wire.</param>
    /// <param name="url">The URL.</param>
    /// <param name="fault">What is wrong, to be read after the field's name; it never shows the text.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out SourceUrl? url, [NotNullWhen(false)] out string? fault)
    {
        url = null;
        fault = text.Length > MaxLength ? $"must have at most {MaxLength} characters"
            : text.Any(char.IsControl) || text.Any(char.IsWhiteSpace) ? "must hold neither white space nor control characters"
            : null;
        if (fault is not null)
        {
            return false;
        }

        // A path would be read as file://, which nobody has written.
        if (text.StartsWith('/') || !Uri.TryCreate(text, UriKind.Absolute, out var address))
        {
            fault = "must be a URL with its scheme, such as https://images.example.org/centos.qcow2";
            return false;
        }

        url = new SourceUrl(address);
        return true;
    }

    /// <summary>Where a redirect from here leads.</summary>
    public SourceUrl Follow(Uri location) => new(new Uri(Address, location));

    /// <summary>What may be shown of it: scheme, host, port and path.</summary>
    public override string ToString()
    {
        var shown = Address.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped);
        return shown.Length <= Shown ? shown : $"{shown[..Shown]}...";
    }
}
