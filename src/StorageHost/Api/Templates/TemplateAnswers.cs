using StorageHost.Images.Templates;

namespace StorageHost.Api.Templates;

/// <summary>Answers an upload.</summary>
/// <param name="Image">The template's name.</param>
/// <param name="Format">What was found in it.</param>
/// <param name="VirtualSizeBytes">The size of the disk that a guest sees.</param>
/// <param name="SizeBytes">The length of its file.</param>
/// <param name="AllocatedBytes">What it takes on the volume.</param>
/// <param name="Sha256">The SHA-256 of the content as it was sent.</param>
/// <param name="Source">How it came: <c>upload</c>.</param>
/// <param name="Created">When.</param>
internal sealed record ImportedTemplateAnswer(
    string Image, ImageFormat Format, long VirtualSizeBytes, long SizeBytes, long AllocatedBytes,
    string? Sha256, string Source, DateTimeOffset Created)
{
    public static ImportedTemplateAnswer Of(TemplateDetails made) => new(
        made.Template.Image.Text, made.Header.Format, made.Header.VirtualBytes,
        made.Template.Fingerprint.Size, made.Template.AllocatedBytes,
        made.Record!.Sha256, made.Record.Source, made.Record.Created);
}
