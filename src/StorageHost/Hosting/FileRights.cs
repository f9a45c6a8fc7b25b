namespace StorageHost.Hosting;

/// <summary>What somebody may do with a file or directory, as access(2) has it.</summary>
[Flags]
internal enum FileRights
{
    /// <summary>See that it is there.</summary>
    None = 0,

    /// <summary>Enter a directory, or run a program.</summary>
    Enter = 1,

    /// <summary>Change it.</summary>
    Write = 2,

    /// <summary>Read it.</summary>
    Read = 4,
}
