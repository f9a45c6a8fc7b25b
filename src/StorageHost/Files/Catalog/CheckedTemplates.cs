using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Names;
using StorageHost.Images.Templates;

namespace StorageHost.Files.Catalog;

/// <summary>The one way to a template's content: its whole chain is inspected, has settled and is whole.</summary>
internal sealed class CheckedTemplates(
    VolumeSessions volume, TemplateFile templates, ReplacedTemplates replaced, TemplateAge age, WholeTemplates whole)
{
    /// <summary>Opens a template that may be copied. To be given to <see cref="VolumeSessions.Release(IDisposable)"/>.</summary>
    /// <exception cref="RefusedException">ImageNotFound; ImageRejected; JobConflict: it is still being written, or was just
    /// replaced.</exception>
    public async Task<OpenedTemplate> OpenAsync(ImageName image, CancellationToken cancellationToken)
    {
        var opened = await OpenInspectedAsync(image, cancellationToken);
        try
        {
            age.RefuseUnsettled(opened);
            await whole.CheckAsync(opened, cancellationToken);
            await volume.RunAsync(
                "look whether a template was replaced",
                (VolumeSession session, StorageCall<bool> _) =>
                {
                    replaced.RefuseReplaced(session.Mount, opened.Source, image);
                    return true;
                },
                cancellationToken);
            return opened;
        }
        catch
        {
            volume.Release(opened);
            throw;
        }
    }

    /// <summary>Looks at a template: one that is still being written is let pass, and looked through when it is copied.</summary>
    /// <exception cref="RefusedException">ImageNotFound; ImageRejected.</exception>
    public async Task<Template> InspectAsync(ImageName image, CancellationToken cancellationToken)
    {
        var opened = await OpenInspectedAsync(image, cancellationToken);
        try
        {
            if (age.Unsettled(opened) is null)
            {
                await whole.CheckAsync(opened, cancellationToken);
            }

            return opened.Template;
        }
        finally
        {
            volume.Release(opened);
        }
    }

    private Task<OpenedTemplate> OpenInspectedAsync(ImageName image, CancellationToken cancellationToken) => volume.RunAsync(
        "open a template", (VolumeSession session, StorageCall<OpenedTemplate> _) => templates.Open(session.Mount, image),
        cancellationToken);
}
