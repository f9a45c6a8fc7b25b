namespace StorageHost.Processes;

/// <summary>A program to run, and what it may take.</summary>
/// <param name="Program">A name to look up in PATH, or an absolute path. There is no shell, so no character in it is special.</param>
/// <param name="Arguments">Its arguments, each handed over exactly as it stands here.</param>
internal sealed record ProcessCommand(string Program, IReadOnlyList<string> Arguments)
{
    /// <summary>How long it may run before it is interrupted.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long it has after the interrupt before it is killed.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The most address space that it, and each process that it starts, may map; in bytes.</summary>
    public long MemoryBytes { get; init; } = 1L << 30;

    /// <summary>The most processor time that it may use; null for as much as <see cref="Timeout"/>.</summary>
    public TimeSpan? CpuTime { get; init; }

    /// <summary>
    /// Whether it can open nothing but the system's programs and libraries, write no file, and reach no network. It talks through Unix
    /// sockets then.
    /// </summary>
    public bool IsCaged { get; init; }

    /// <summary>How much of each of its two output streams is kept, in bytes; the rest is read and thrown away.</summary>
    public int OutputBytes { get; init; } = 256 * 1024;
}
