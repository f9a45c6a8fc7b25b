using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using StorageHost.Images;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Api;

public sealed class ErrorHandlerTests
{
    private const string Secret = "/srv/secret";

    [Theory]
    [InlineData("HostExists", 409, LogLevel.Information, false)]
    [InlineData("TooManyRequests", 429, LogLevel.Information, true)]
    [InlineData("StorageUnavailable", 503, LogLevel.Warning, true)]
    [InlineData("StorageTimeout", 504, LogLevel.Warning, false)]
    public async Task A_refusal_is_answered_by_the_table(string reason, int status, LogLevel level, bool retry)
    {
        var refused = new RefusedException(Enum.Parse<Refusal>(reason), "web01.qcow2 already exists", new IOException(Secret));
        await using var api = await TestApi.StartAsync(app => app.MapGet("/thrown", IResult () => throw refused));
        using var response = await api.Client.GetAsync("/thrown");
        var body = await response.Content.ReadAsStringAsync();
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Contains("\"message\":\"web01.qcow2 already exists\"", body, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, body, StringComparison.Ordinal);
        Assert.Equal(retry ? TimeSpan.FromSeconds(5) : null, response.Headers.RetryAfter?.Delta);
        var line = await api.LineAsync("already exists");
        Assert.Equal(level, line.Level);
        Assert.DoesNotContain(nameof(RefusedException), line.Line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task While_the_mount_is_away_the_log_has_a_line_for_each_reason_and_a_sum_each_minute()
    {
        var clock = new ManualTimeProvider();
        var (reason, message) = (Refusal.StorageUnavailable, "the mount is dead");
        await using var api = await TestApi.StartAsync(
            app => app.MapGet("/thrown", IResult () => throw new RefusedException(reason, message, new IOException(Secret))), time: clock);
        var others = clock.Timers;
        await RefuseAsync(4);
        (reason, message) = (Refusal.StorageTimeout, "the storage timed out");
        await RefuseAsync(2);
        Assert.Equal(
            ["Refused with storage_unavailable: the mount is dead (/srv/secret)", "Refused with storage_timeout: the storage timed out (/srv/secret)"],
            Warnings());

        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(
            [
                "Refused 1 more requests with storage_timeout within a minute: the storage timed out",
                "Refused 3 more requests with storage_unavailable within a minute: the mount is dead",
            ],
            await SumsAsync(2));

        // Nothing for a minute ends it.
        clock.Advance(TimeSpan.FromMinutes(1));
        await Eventually.HoldsAsync(() => clock.Timers == others);
        await RefuseAsync(1);
        Assert.Equal("Refused with storage_timeout: the storage timed out (/srv/secret)", Warnings()[^1]);
        Assert.Equal(5, Warnings().Length);

        string[] Warnings() => [.. api.Lines.Where(entry => entry.Level == LogLevel.Warning).Select(entry => entry.Line.Trim())];

        async Task<string[]> SumsAsync(int count)
        {
            await Eventually.HoldsAsync(() => Warnings().Length == 2 + count && clock.Timers == others + count);
            return [.. Warnings()[2..].Order(StringComparer.Ordinal)];
        }

        async Task RefuseAsync(int times)
        {
            for (; times > 0; times--)
            {
                using var response = await api.Client.GetAsync("/thrown");
                var body = await response.Content.ReadAsStringAsync();
                Assert.Contains($"\"message\":\"{message}\",\"trace_id\":\"", body, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task Refusals_that_have_nothing_to_do_with_the_storage_have_a_line_each()
    {
        await using var api = await TestApi.StartAsync(app => app.MapGet("/thrown", IResult () => throw new RefusedException(Refusal.HostExists, "taken")));
        using var first = await api.Client.GetAsync("/thrown");
        using var second = await api.Client.GetAsync("/thrown");
        Assert.Equal(2, api.Lines.Count(entry => (entry.Level, entry.Line) is (LogLevel.Information, "Refused with host_exists: taken ")));
    }

    [Fact]
    public async Task The_log_has_the_call_that_failed_which_the_client_is_not_told()
    {
        await using var api = await TestApi.StartAsync(app => app.MapGet("/thrown", IResult () =>
            throw new RefusedException(Refusal.NoSpace, "the volume is full", new IOException("fsync web01.qcow2: ENOSPC"))));
        using var response = await api.Client.GetAsync("/thrown");
        Assert.Contains("\"message\":\"the volume is full\"", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Contains("Refused with no_space: the volume is full (fsync web01.qcow2: ENOSPC)", (await api.LineAsync("Refused with")).Line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_fault_of_ours_shows_nothing_of_the_inside()
    {
        await using var api = await TestApi.StartAsync(app => app.MapGet("/thrown", IResult () => throw new IOException(Secret)));
        using var response = await api.Client.GetAsync("/thrown");
        var body = await response.Content.ReadAsStringAsync();
        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Contains("\"code\":\"internal\"", body, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, body, StringComparison.Ordinal);
        Assert.DoesNotContain("IOException", body, StringComparison.Ordinal);
        Assert.Equal(LogLevel.Error, (await api.LineAsync("Refused with internal")).Level);
        Assert.EndsWith(nameof(IOException), (await api.LineAsync("Refused with internal")).Line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(401, "unauthenticated")]
    [InlineData(403, "forbidden")]
    [InlineData(415, "invalid_payload")]
    public async Task A_bare_status_gets_its_error_message(int status, string code)
    {
        await using var api = await TestApi.StartAsync(app => app.MapGet("/bare", () => Results.StatusCode(status)));
        using var response = await api.Client.GetAsync("/bare");
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Contains($"\"code\":\"{code}\"", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_who_goes_away_is_logged_as_499()
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var api = await TestApi.StartAsync(app => app.MapGet("/slow", async (CancellationToken cancellationToken) =>
        {
            started.SetResult();
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }));
        using var gone = new CancellationTokenSource();
        var request = api.Client.GetAsync("/slow", gone.Token);
        await started.Task;
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
        await api.LineAsync("GET /slow 499 in ");
        Assert.DoesNotContain(api.Lines, entry => entry.Level >= LogLevel.Warning);
    }

    [Fact]
    public async Task A_refusal_that_nobody_waits_for_any_more_is_no_fault_of_ours()
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var api = await TestApi.StartAsync(app => app.MapGet("/slow", async Task<IResult> (HttpContext context) =>
        {
            started.SetResult();
            var aborted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            context.RequestAborted.Register(aborted.SetResult);
            await aborted.Task;
            throw new RefusedException(Refusal.JobConflict, "too late");
        }));
        using var gone = new CancellationTokenSource();
        var request = api.Client.GetAsync("/slow", gone.Token);
        await started.Task;
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
        await api.LineAsync("GET /slow 409 in ");
        Assert.DoesNotContain(api.Lines, entry => entry.Level >= LogLevel.Warning);
    }
}
