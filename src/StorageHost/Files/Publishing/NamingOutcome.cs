namespace StorageHost.Files.Publishing;

/// <summary>What became of giving a private file its name (<see cref="LinkProtocol"/>).</summary>
/// <remarks>
/// It is not <see cref="Images.Ports.PublishOutcome"/>, which says what became of a claim. The protocol knows no templates, and of a
/// request only its mark, so a claim has ends that it cannot tell of. It names data disks too, where a taken name means that the next one
/// is tried.
/// </remarks>
internal enum NamingOutcome
{
    /// <summary>The name is the file's, durably and for good. The private name is gone.</summary>
    Published,

    /// <summary>Another file has the name, or is just being given it. Nothing was changed.</summary>
    Taken,

    /// <summary>The caller left before anything was changed.</summary>
    Abandoned,

    /// <summary>Another daemon had recovered the private name. The file is not ours any more.</summary>
    Gone,
}
