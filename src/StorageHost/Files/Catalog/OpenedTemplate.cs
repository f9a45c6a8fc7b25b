using Microsoft.Win32.SafeHandles;
using StorageHost.Images.Templates;

namespace StorageHost.Files.Catalog;

/// <summary>A file of a template's backing chain, open.</summary>
/// <param name="Template">The template that the file is.</param>
/// <param name="Handle">The file.</param>
/// <param name="Content">Reads it.</param>
/// <param name="Format">Its format.</param>
/// <param name="VirtualBytes">The size of the disk that a guest sees.</param>
/// <param name="Record">How it came to be; null when nobody knows.</param>
internal sealed record ChainedFile(
    Template Template, SafeFileHandle Handle, HeaderSource Content, ImageFormat Format, long VirtualBytes, TemplateRecord? Record);

/// <summary>A template to be read, with all templates that it is backed by. When nobody takes it, it closes itself.</summary>
internal sealed class OpenedTemplate : IDisposable
{
    private readonly List<ChainedFile> chain = [];

    /// <summary>The template itself first, then its backing file, and so on.</summary>
    public IReadOnlyList<ChainedFile> Chain => chain;

    public Template Template => chain[0].Template;

    public ImageFormat Format => chain[0].Format;

    public SafeFileHandle Source => chain[0].Handle;

    public void Add(ChainedFile file) => chain.Add(file);

    public void Dispose() => chain.ForEach(file => file.Handle.Dispose());
}
