using StorageHost.Api.Errors;
using StorageHost.Images;
using Xunit;

namespace StorageHost.Tests.Api;

public sealed class ErrorTableTests
{
    private static readonly Dictionary<Refusal, (int Status, string Code)> Contract = new()
    {
        [Refusal.ImageNotFound] = (404, "image_not_found"),
        [Refusal.HostNotFound] = (404, "host_not_found"),
        [Refusal.DiskNotFound] = (404, "disk_not_found"),
        [Refusal.ImageStorageNotFound] = (404, "image_storage_not_found"),
        [Refusal.VersionNotFound] = (404, "version_not_found"),
        [Refusal.JobNotFound] = (404, "job_not_found"),
        [Refusal.UploadNotFound] = (404, "upload_not_found"),
        [Refusal.InvalidSize] = (400, "invalid_payload"),
        [Refusal.HostExists] = (409, "host_exists"),
        [Refusal.DiskInUse] = (409, "disk_in_use"),
        [Refusal.ImageExists] = (409, "image_exists"),
        [Refusal.ImageInUse] = (409, "image_in_use"),
        [Refusal.ImageProtected] = (409, "image_protected"),
        [Refusal.JobConflict] = (409, "job_conflict"),
        [Refusal.UploadConflict] = (409, "upload_conflict"),
        [Refusal.TooLarge] = (413, "payload_too_large"),
        [Refusal.ImageRejected] = (422, "image_rejected"),
        [Refusal.DigestMismatch] = (422, "digest_mismatch"),
        [Refusal.UrlRefused] = (422, "url_refused"),
        [Refusal.UrlFailed] = (502, "url_failed"),
        [Refusal.TooManyRequests] = (429, "too_many_requests"),
        [Refusal.StorageUnavailable] = (503, "storage_unavailable"),
        [Refusal.ShuttingDown] = (503, "shutting_down"),
        [Refusal.StorageTimeout] = (504, "storage_timeout"),
        [Refusal.NoSpace] = (507, "no_space"),
    };

    [Fact]
    public void Every_refusal_has_its_entry() => Assert.All(Enum.GetValues<Refusal>(), reason =>
    {
        Assert.True(Contract.ContainsKey(reason), $"{reason} is not in the contract");
        Assert.Equal(Contract[reason], (ErrorTable.Of(reason).Status, ErrorTable.Of(reason).Code));
    });

    [Theory]
    [InlineData(400, "invalid_payload")]
    [InlineData(401, "unauthenticated")]
    [InlineData(403, "forbidden")]
    [InlineData(404, "not_found")]
    [InlineData(405, "method_not_allowed")]
    [InlineData(408, "request_timeout")]
    [InlineData(413, "payload_too_large")]
    [InlineData(415, "invalid_payload")]
    [InlineData(429, "too_many_requests")]
    [InlineData(500, "internal")]
    [InlineData(502, "internal")]
    public void A_bare_status_keeps_its_number(int status, string code) => Assert.Equal(new ErrorKind(status, code), ErrorTable.OfStatus(status));
}
