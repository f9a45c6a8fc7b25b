using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace StorageHost.Benchmarks.Storage;

/// <summary>
/// One HTTP connection that is kept open, on a blocking socket: what a request costs here is not worth mentioning beside what the daemon
/// does, which cannot be said of HttpClient on two cores.
/// </summary>
internal sealed class KeepAlive : IDisposable
{
    private readonly Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = 300_000 };
    private readonly byte[] buffer = new byte[64 * 1024];
    private readonly string host;

    public KeepAlive(Uri address)
    {
        host = address.Authority;
        socket.Connect(address.Host, address.Port);
    }

    /// <summary>Asks for a disk, as the controller does.</summary>
    /// <param name="image">Of what.</param>
    /// <param name="hostname">For whom.</param>
    /// <param name="source">Where the copy must have come from: <c>pool</c> or <c>copy</c>.</param>
    /// <param name="size">The disk's size in GiB; 0: the template's.</param>
    public void SetImage(string image, string hostname, string source, int size = 0)
    {
        var form = $"\"image\":\"{image}\",\"hostname\":\"{hostname}\"{(size == 0 ? "" : $",\"size\":{size}")}";
        var answer = Send("POST / HTTP/1.1", $$$"""{"action":"setimage","createvmform":{{{{form}}}}}""");
        if (!answer.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal) || !answer.Contains($"\"source\":\"{source}\"", StringComparison.Ordinal))
        {
            throw new InvalidOperationException($"setimage {image} {hostname} was to come from the {source}: {answer}");
        }
    }

    public void Dispose() => socket.Dispose();

    private string Send(string line, string body)
    {
        socket.Send(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{line}\r\nHost: {host}\r\nContent-Length: {body.Length}\r\n\r\n{body}")));
        for (var filled = 0; ;)
        {
            var read = socket.Receive(buffer.AsSpan(filled));
            filled += read;
            var answer = Encoding.ASCII.GetString(buffer, 0, filled);
            if (read == 0 || IsWhole(answer))
            {
                return answer;
            }
        }
    }

    private static bool IsWhole(string answer)
    {
        if (answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) is var end && end < 0)
        {
            return false;
        }

        const string Length = "Content-Length: ";
        var at = answer.IndexOf(Length, StringComparison.Ordinal);
        return at < 0 || at > end
            ? answer.EndsWith("0\r\n\r\n", StringComparison.Ordinal)
            : answer.Length == end + 4 + int.Parse(answer.AsSpan(at + Length.Length, answer.IndexOf('\r', at) - at - Length.Length), CultureInfo.InvariantCulture);
    }
}
