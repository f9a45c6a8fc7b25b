namespace StorageHost.Cli;

/// <summary>How a command of the client ends. Scripts rely on these; the page of the command line has the same table.</summary>
internal static class ClientExit
{
    public const int Ok = 0;
    public const int Degraded = 1;
    public const int Broken = 2;
    public const int Unknown = 3;
    public const int Failed = 4;
    public const int Cancelled = 5;
    public const int Usage = 64;
    public const int Rejected = 65;
    public const int NotFound = 66;
    public const int Conflict = 67;
    public const int Unavailable = 69;
    public const int Internal = 70;
    public const int NoSpace = 73;
    public const int Local = 74;
    public const int OutcomeUnknown = 75;
    public const int NoPermission = 77;
    public const int Configuration = 78;
    public const int Interrupted = 130;
    public const int ClosedPipe = 141;

    /// <summary>Each code, and when a command ends with it.</summary>
    public static IReadOnlyList<(int Code, string When)> Table { get; } =
    [
        (Ok, "it is done; for `status`, everything is well"),
        (Degraded, "`status`: degraded, but everything is served"),
        (Broken, "`status`: broken, or the daemon is not ready"),
        (Unknown, "`status`: nobody can tell"),
        (Failed, "the job or the upload failed, or the daemon ignored a wish that it does not know"),
        (Cancelled, "the job or the upload was cancelled"),
        (Usage, "usage: a word, an option or a name is wrong (400, 405); or a deletion without a terminal and without `--yes`"),
        (Rejected, "the image is refused: rejected, too large or of another digest (413, 422)"),
        (NotFound, "it does not exist, for certain (404)"),
        (Conflict, "it exists already, is in use, protected or over (409)"),
        (Unavailable, "nobody answers, or the storage does not (408, 429, 502, 503)"),
        (Internal, "a fault of the daemon (500), or an answer that is not understood"),
        (NoSpace, "the volume is full (507)"),
        (Local, "a file on this side cannot be read, or the output not written"),
        (OutcomeUnknown, "no answer to a change (504, a timeout, a lost connection): whether it took effect is unknown"),
        (NoPermission, "no permission (401, 403, or the socket's)"),
        (Configuration, "the file of the contexts, or one that it names, is faulty or readable for others"),
        (Interrupted, "interrupted by Ctrl-C; what was begun goes on"),
        (ClosedPipe, "the reader of standard output has closed it"),
    ];

    /// <summary>The code of a refusal.</summary>
    /// <param name="status">The HTTP status.</param>
    /// <param name="message">What the daemon said. A 503 may say that the outcome is unknown.</param>
    /// <param name="isRead">Whether nothing was to be changed, so that no outcome can be unknown.</param>
    public static int OfStatus(int status, string message, bool isRead) => status switch
    {
        400 or 405 => Usage,
        401 or 403 => NoPermission,
        404 => NotFound,
        409 => Conflict,
        413 or 422 => Rejected,
        504 when !isRead => OutcomeUnknown,
        503 when !isRead && message.Contains("unknown", StringComparison.OrdinalIgnoreCase) => OutcomeUnknown,
        408 or 429 or 502 or 503 or 504 => Unavailable,
        507 => NoSpace,
        _ => Internal,
    };
}
