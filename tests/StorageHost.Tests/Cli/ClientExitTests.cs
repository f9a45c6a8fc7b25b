using System.Globalization;
using StorageHost.Cli;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Cli;

public sealed class ClientExitTests
{
    [Fact]
    public void The_page_of_the_command_line_has_the_same_table()
    {
        var rows = File.ReadLines(Path.Combine(Repository.Root, "docs/cli.md"))
            .Select(line => line.Split('|', StringSplitOptions.TrimEntries))
            .Where(cells => cells is ["", _, _, ""] && int.TryParse(cells[1], NumberStyles.None, CultureInfo.InvariantCulture, out _))
            .Select(cells => $"{cells[1]}: {cells[2]}");
        Assert.Equal(ClientExit.Table.Select(row => $"{row.Code}: {row.When}"), rows, StringComparer.Ordinal);
    }

    [Theory]
    [InlineData(400, ClientExit.Usage)]
    [InlineData(401, ClientExit.NoPermission)]
    [InlineData(403, ClientExit.NoPermission)]
    [InlineData(404, ClientExit.NotFound)]
    [InlineData(405, ClientExit.Usage)]
    [InlineData(408, ClientExit.Unavailable)]
    [InlineData(409, ClientExit.Conflict)]
    [InlineData(413, ClientExit.Rejected)]
    [InlineData(422, ClientExit.Rejected)]
    [InlineData(429, ClientExit.Unavailable)]
    [InlineData(500, ClientExit.Internal)]
    [InlineData(502, ClientExit.Unavailable)]
    [InlineData(503, ClientExit.Unavailable)]
    [InlineData(504, ClientExit.OutcomeUnknown)]
    [InlineData(507, ClientExit.NoSpace)]
    [InlineData(302, ClientExit.Internal)]
    public void Every_status_has_its_code(int status, int code) => Assert.Equal(code, ClientExit.OfStatus(status, "", isRead: false));

    [Fact]
    public void Only_of_a_change_can_the_outcome_be_unknown()
    {
        Assert.Equal(ClientExit.OutcomeUnknown, ClientExit.OfStatus(503, "the outcome is unknown", isRead: false));
        Assert.Equal(ClientExit.Unavailable, ClientExit.OfStatus(503, "the outcome is unknown", isRead: true));
        Assert.Equal(ClientExit.Unavailable, ClientExit.OfStatus(504, "", isRead: true));
    }

    [Fact]
    public void Every_code_of_the_table_is_there_once() =>
        Assert.Equal(ClientExit.Table.Count, ClientExit.Table.Select(row => row.Code).Distinct().Count());
}
