namespace StorageHost.Images.Templates;

/// <summary>The section <c>Templates</c>: what is kept of templates that are replaced.</summary>
internal sealed class TemplatesOptions
{
    /// <summary>How many earlier versions of each template are kept for a rollback.</summary>
    public int KeepVersions { get; set; } = 1;
}
