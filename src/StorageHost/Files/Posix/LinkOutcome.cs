namespace StorageHost.Files.Posix;

/// <summary>What became of giving a file a second name.</summary>
internal enum LinkOutcome
{
    /// <summary>The name is the file's.</summary>
    Linked,

    /// <summary>The name was the file's already: by an earlier try of this call, or by whoever else has a handle on it.</summary>
    Found,

    /// <summary>The name is another file's. Nothing was changed.</summary>
    Taken,

    /// <summary>The first name does not exist, so nothing was linked.</summary>
    Gone,
}
