using System.Globalization;
using System.Text.Json;
using Xunit;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>What the daemon answered; its log stands in every failure.</summary>
internal sealed record Answer(string Request, int Status, string Text, string? MediaType, Uri? Location, TimeSpan Took, Func<string> Log)
{
    public JsonElement Json => JsonElement.Parse(Text);

    public string? Code => Json.TryGetProperty("code", out var code) ? code.GetString() : null;

    /// <summary>Demands this status and gives the body.</summary>
    public JsonElement Is(int status)
    {
        Check(Status == status, $"{status} was expected");
        Check(MediaType is "application/json", "every answer is JSON");
        return Json;
    }

    /// <summary>Demands an ErrorMessage object with this status and one of these codes.</summary>
    public JsonElement Refuses(int status, params string[] codes)
    {
        var body = Is(status);
        Check(body.GetProperty("status").GetString() is "error", "an error says so");
        Check(codes.Length == 0 || codes.Contains(Code, StringComparer.Ordinal), $"the code {string.Join(" or ", codes)} was expected");
        Check(!string.IsNullOrWhiteSpace(body.GetProperty("message").GetString()), "an error has a message");
        Check(!string.IsNullOrWhiteSpace(body.GetProperty("trace_id").GetString()), "an error has a trace id");
        Check(!Text.Contains("   at ", StringComparison.Ordinal) && !Text.Contains("/var/", StringComparison.Ordinal), "no stack trace and no path of the machine");
        return body;
    }

    /// <summary>Demands a 400 that names each of these fields, and no other.</summary>
    public void RefusesFields(params string[] fields)
    {
        var body = Refuses(400, "invalid_payload");
        var named = body.GetProperty("errors").EnumerateObject().Select(each => each.Name).Order(StringComparer.Ordinal);
        Assert.Equal(fields.Order(StringComparer.Ordinal), named);
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Request} -> {Status} in {Took.TotalMilliseconds:0} ms: {Text}");

    private void Check(bool holds, string rule) => Assert.True(holds, $"{rule}, but: {this}\n{(holds ? "" : Log())}");
}
