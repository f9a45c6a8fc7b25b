namespace StorageHost.Qemu;

/// <summary>How qemu-img is run; the section <c>Qemu</c>.</summary>
internal sealed class QemuOptions
{
    /// <summary>The name of the section.</summary>
    public const string Section = "Qemu";

    /// <summary><c>Qemu:Path</c>: the program, a name in PATH or an absolute path.</summary>
    public string Path { get; set; } = "qemu-img";

    /// <summary><c>Qemu:Timeout</c>: how long one run may take.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary><c>Qemu:ConvertTimeout</c>: how long it may take to make a qcow2 image of another one.</summary>
    public TimeSpan ConvertTimeout { get; set; } = TimeSpan.FromHours(2);

    /// <summary><c>Qemu:MemoryLimitMb</c>: the most address space that one run may map, in MiB.</summary>
    public int MemoryLimitMb { get; set; } = 1024;
}
