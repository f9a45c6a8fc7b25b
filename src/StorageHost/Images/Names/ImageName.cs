namespace StorageHost.Images.Names;

/// <summary>
/// The name of a template, without its suffix: <c>centos</c> for <c>centos_template.img</c>. Only <see cref="FileNames"/> makes one.
/// </summary>
internal readonly record struct ImageName
{
    internal ImageName(string text) => Text = text;

    public string Text { get; }

    public override string ToString() => Text;
}
