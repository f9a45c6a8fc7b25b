using System.Net.Sockets;
using System.Text;
using StorageHost.Cli;
using StorageHost.Cli.Connecting;
using Xunit;

namespace StorageHost.Tests.Cli;

/// <summary>When the next server is asked, and what a command ends with when none is left.</summary>
public sealed class AttemptTests
{
    private static readonly ServerAddress Node1 = ServerAddress.Parse("node1")!;
    private static readonly ServerAddress Node2 = ServerAddress.Parse("node2")!;
    private static readonly ClientRequest Read = ClientRequest.Get("/pools");
    private static readonly ClientRequest Change = new(HttpMethod.Post, "/", "{}");
    private static readonly ClientRequest Named = Change with { Key = "order-1" };

    [Theory]
    [InlineData(200, true, true, true)]
    [InlineData(404, true, true, true)]
    [InlineData(409, true, true, true)]
    [InlineData(502, false, true, false)]
    [InlineData(503, false, true, false)]
    [InlineData(504, false, true, false)]
    [InlineData(507, true, true, true)]
    public void An_answer_is_the_end_unless_another_server_may_do_better(int status, bool ofRead, bool ofChange, bool ofNamed) => Assert.Equal(
        (ofRead, ofChange, ofNamed),
        (new Attempt(Read).Takes(Of(status)), new Attempt(Change).Takes(Of(status)), new Attempt(Named).Takes(Of(status))));

    [Fact]
    public void A_job_may_be_known_elsewhere()
    {
        var attempt = new Attempt(Read with { IsOfOneNode = true });
        Assert.False(attempt.Takes(Of(404)));
        attempt.NotReached(Node2, new SocketException((int)SocketError.ConnectionRefused));
        Assert.Equal(404, attempt.End([Node1, Node2]).Status);
    }

    [Fact]
    public void What_was_not_sent_has_no_outcome()
    {
        var attempt = new Attempt(Change);
        attempt.NotReached(Node1, new SocketException((int)SocketError.ConnectionRefused));
        Assert.False(attempt.IsUnknown);
        var end = Assert.Throws<ClientException>(() => attempt.End([Node1]));
        Assert.Equal((ClientExit.Unavailable, "nobody answers (http://node1:33833: Connection refused)"), (end.Code, end.Message));
    }

    [Fact]
    public void Where_the_daemon_of_this_machine_is_not_the_option_is_named()
    {
        var attempt = new Attempt(Read);
        attempt.NotReached(ServerAddress.Local[0], new SocketException((int)SocketError.AccessDenied));
        var end = Assert.Throws<ClientException>(() => attempt.End(ServerAddress.Local));
        Assert.Equal(ClientExit.NoPermission, end.Code);
        Assert.EndsWith("; --server names a daemon elsewhere", end.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_change_without_an_answer_is_not_sent_again()
    {
        var end = Assert.Throws<ClientException>(() => new Attempt(Change).Lost(Node1, "the connection broke off"));
        Assert.Equal(ClientExit.OutcomeUnknown, end.Code);
        Assert.Contains("whether it took effect is unknown", end.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_named_one_is_and_then_the_key_is_told()
    {
        var attempt = new Attempt(Named);
        attempt.Lost(Node1, "the connection broke off");
        attempt.NotReached(Node2, new SocketException((int)SocketError.ConnectionRefused));
        Assert.True(attempt.IsUnknown);
        var end = Assert.Throws<ClientException>(() => attempt.End([Node1, Node2]));
        Assert.Equal(ClientExit.OutcomeUnknown, end.Code);
        Assert.Contains("--key order-1", end.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_read_without_an_answer_is_unavailable()
    {
        var attempt = new Attempt(Read);
        attempt.Lost(Node1, "no answer within 60 s");
        Assert.Equal(ClientExit.Unavailable, Assert.Throws<ClientException>(() => attempt.End([Node1])).Code);
    }

    [Theory]
    [InlineData("""{"code":"host_exists","message":"web01.qcow2 already exists","trace_id":"ad07"}""", "web01.qcow2 already exists (host_exists, trace ad07)")]
    [InlineData("""{"message":5}""", "http://node1:33833 answered 409")]
    [InlineData("<html>", "http://node1:33833 answered 409")]
    public void A_refusal_is_told_as_the_server_told_it(string body, string told)
    {
        using var server = new ServerConnection(Node1, Credentials.None);
        var refusal = new Answer(409, Encoding.UTF8.GetBytes(body), server).Refusal(isRead: false);
        Assert.Equal((ClientExit.Conflict, told), (refusal.Code, refusal.Message));
    }

    private static Answer Of(int status)
    {
        using var server = new ServerConnection(Node1, Credentials.None);
        return new Answer(status, "{}"u8.ToArray(), server);
    }
}
