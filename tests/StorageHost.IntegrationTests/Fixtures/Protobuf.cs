using System.Text;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>A message of protocol buffers, read without its schema: fields by number (https://protobuf.dev/programming-guides/encoding).</summary>
internal sealed class Protobuf
{
    private readonly List<(int Field, ReadOnlyMemory<byte> Content)> fields = [];

    public Protobuf(ReadOnlyMemory<byte> message)
    {
        for (var at = 0; at < message.Length;)
        {
            var key = Varint(message.Span, ref at);
            var length = (key & 7) switch
            {
                0 => Varint(message.Span, ref at) * 0,
                1 => 8,
                2 => Varint(message.Span, ref at),
                5 => 4,
                _ => throw new InvalidDataException($"there is no wire type {key & 7}"),
            };
            fields.Add(((int)(key >> 3), message.Slice(at, (int)length)));
            at += (int)length;
        }
    }

    public IEnumerable<Protobuf> Messages(int field) => fields.Where(each => each.Field == field).Select(each => new Protobuf(each.Content));

    /// <summary>A text; empty when the field is not there.</summary>
    public string Text(int field) => Encoding.UTF8.GetString(Of(field).Span);

    /// <summary>Bytes, in hexadecimal digits.</summary>
    public string Hex(int field) => Convert.ToHexStringLower(Of(field).Span);

    private ReadOnlyMemory<byte> Of(int field) => fields.FirstOrDefault(each => each.Field == field).Content;

    private static long Varint(ReadOnlySpan<byte> bytes, ref int at)
    {
        var value = 0L;
        for (var shift = 0; ; shift += 7)
        {
            var next = bytes[at++];
            value |= (long)(next & 0x7f) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }
    }
}
