using StorageHost.Images;

namespace StorageHost.Api.Errors;

/// <summary>What a client is told of an error besides the message: the HTTP status and the code that programs compare.</summary>
internal sealed record ErrorKind(int Status, string Code);

/// <summary>The one place where an error gets its status and code.</summary>
internal static class ErrorTable
{
    public static readonly ErrorKind InvalidJson = new(400, "invalid_json");
    public static readonly ErrorKind InvalidPayload = new(400, "invalid_payload");
    public static readonly ErrorKind UnknownAction = new(400, "unknown_action");
    public static readonly ErrorKind UnknownTarget = new(400, "unknown_target");
    public static readonly ErrorKind Unauthenticated = new(401, "unauthenticated");
    public static readonly ErrorKind Forbidden = new(403, "forbidden");
    public static readonly ErrorKind NotFound = new(404, "not_found");
    public static readonly ErrorKind MethodNotAllowed = new(405, "method_not_allowed");
    public static readonly ErrorKind RequestTimeout = new(408, "request_timeout");
    public static readonly ErrorKind PayloadTooLarge = new(413, "payload_too_large");
    public static readonly ErrorKind TooManyRequests = new(429, "too_many_requests");
    public static readonly ErrorKind Internal = new(500, "internal");

    /// <summary>The error of a request that the core refused.</summary>
    public static ErrorKind Of(Refusal reason) => reason switch
    {
        Refusal.ImageNotFound => new(404, "image_not_found"),
        Refusal.HostNotFound => new(404, "host_not_found"),
        Refusal.DiskNotFound => new(404, "disk_not_found"),
        Refusal.ImageStorageNotFound => new(404, "image_storage_not_found"),
        Refusal.VersionNotFound => new(404, "version_not_found"),
        Refusal.JobNotFound => new(404, "job_not_found"),
        Refusal.UploadNotFound => new(404, "upload_not_found"),
        Refusal.InvalidSize => InvalidPayload,
        Refusal.HostExists => new(409, "host_exists"),
        Refusal.DiskInUse => new(409, "disk_in_use"),
        Refusal.ImageExists => new(409, "image_exists"),
        Refusal.ImageInUse => new(409, "image_in_use"),
        Refusal.ImageProtected => new(409, "image_protected"),
        Refusal.JobConflict => new(409, "job_conflict"),
        Refusal.UploadConflict => new(409, "upload_conflict"),
        Refusal.TooLarge => PayloadTooLarge,
        Refusal.ImageRejected => new(422, "image_rejected"),
        Refusal.DigestMismatch => new(422, "digest_mismatch"),
        Refusal.UrlRefused => new(422, "url_refused"),
        Refusal.UrlFailed => new(502, "url_failed"),
        Refusal.TooManyRequests => TooManyRequests,
        Refusal.StorageUnavailable => new(503, "storage_unavailable"),
        Refusal.ShuttingDown => new(503, "shutting_down"),
        Refusal.StorageTimeout => new(504, "storage_timeout"),
        Refusal.NoSpace => new(507, "no_space"),
        _ => Internal,
    };

    /// <summary>The error of a status that the server or a middleware set without saying more.</summary>
    public static ErrorKind OfStatus(int status) => status switch
    {
        401 => Unauthenticated,
        403 => Forbidden,
        404 => NotFound,
        405 => MethodNotAllowed,
        408 => RequestTimeout,
        413 => PayloadTooLarge,
        429 => TooManyRequests,
        >= 500 => Internal with { Status = status },
        _ => InvalidPayload with { Status = status },
    };
}
