namespace StorageHost.Images.Disks;

/// <summary>
/// What is counted of claims. A request for a disk ends with one of them; before that, copies may turn out to be stale or gone.
/// </summary>
internal enum ClaimOutcome
{
    /// <summary>A disk, from a copy that was ready.</summary>
    Hit,

    /// <summary>A disk, from a copy that the caller waited for.</summary>
    Miss,

    /// <summary>The host had its disk already, made for this very request.</summary>
    Repeated,

    /// <summary>The disk's name was taken.</summary>
    Conflict,

    /// <summary>The copy was not one of the template as it is now; another one was taken.</summary>
    Stale,

    /// <summary>The claimed copy was this daemon's no longer; another one was taken.</summary>
    Gone,

    /// <summary>The request was refused for another reason.</summary>
    Failed,

    /// <summary>The caller went away.</summary>
    Abandoned,
}
