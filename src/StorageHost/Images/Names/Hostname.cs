namespace StorageHost.Images.Names;

/// <summary>The name of a virtual machine, which its disks carry. Only <see cref="FileNames"/> makes one.</summary>
internal readonly record struct Hostname
{
    internal Hostname(string text) => Text = text;

    public string Text { get; }

    public override string ToString() => Text;
}
