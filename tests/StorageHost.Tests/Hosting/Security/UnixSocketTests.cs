using System.Net.Sockets;
using StorageHost.Hosting.Security;
using StorageHost.Tests.Processes;
using Xunit;

namespace StorageHost.Tests.Hosting.Security;

public sealed class UnixSocketTests : IDisposable
{
    private readonly Scratch scratch = new();
    private readonly UnixDomainSocketEndPoint endPoint;

    public UnixSocketTests() => endPoint = new UnixDomainSocketEndPoint(scratch.File("socket"));

    public void Dispose() => scratch.Dispose();

    [Theory]
    [InlineData("0600")]
    [InlineData("666")]
    public void It_has_its_mode_before_anybody_can_connect(string mode)
    {
        using var listening = UnixSocket.Bind(endPoint, mode);
        Assert.Equal((UnixFileMode)Convert.ToInt32(mode, 8), File.GetUnixFileMode(scratch.File("socket")));
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        Assert.Equal(SocketError.ConnectionRefused, Assert.Throws<SocketException>(() => client.Connect(endPoint)).SocketErrorCode);
    }

    [Fact]
    public void One_that_a_killed_daemon_left_is_replaced()
    {
        using var abandoned = UnixSocket.Bind(endPoint, "0600");
        using var listening = UnixSocket.Bind(endPoint, "0660");
        listening.Listen();
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        client.Connect(endPoint);
    }

    [Fact]
    public void One_that_is_in_use_is_left_alone()
    {
        using var listening = UnixSocket.Bind(endPoint, "0600");
        listening.Listen();
        Assert.Equal(SocketError.AddressAlreadyInUse, Assert.Throws<SocketException>(() => UnixSocket.Bind(endPoint, "0600")).SocketErrorCode);
        Assert.True(File.Exists(scratch.File("socket")));
    }

    [Fact]
    public void A_file_that_is_no_socket_is_left_alone()
    {
        File.WriteAllText(scratch.File("socket"), "precious");
        Assert.Throws<SocketException>(() => UnixSocket.Bind(endPoint, "0600"));
        Assert.Equal("precious", File.ReadAllText(scratch.File("socket")));
    }

    [Fact]
    public void The_user_at_the_other_end_is_known()
    {
        using var listening = UnixSocket.Bind(endPoint, "0600");
        listening.Listen();
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        client.Connect(endPoint);
        using var accepted = listening.Accept();
        Assert.Equal(File.ReadLines("/proc/self/status").Single(line => line.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[2], $"{UnixSocket.PeerUser(accepted)}");
    }
}
