namespace StorageHost.Images.Names;

/// <summary>
/// The name of a template, copy or disk in the storage directory: one path component that <see cref="FileNames"/> built from
/// checked parts, so that it can name nothing outside.
/// </summary>
internal readonly record struct FileName
{
    internal FileName(string text) => Text = text;

    public string Text { get; }

    public override string ToString() => Text;
}
