using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using StorageHost.Api.Dispatch;
using StorageHost.Api.Errors;
using StorageHost.Images.Names;
using Xunit;

namespace StorageHost.Tests.Api;

public sealed class BodyProperties
{
    private static readonly string[] Methods = ["GET", "POST", "DELETE"];

    private static readonly byte[][] Valid =
    [
        [.. """{"target":"images"}"""u8],
        [.. """{"action":"dup","duplicateinfo":{"centos":3,"debian12":0}}"""u8],
        [.. """{"action":"setimage","createvmform":{"image":"centos","hostname":"web01"}}"""u8],
        [.. """{"action":"addstorage","storageinfo":{"hostname":"web01","size":5}}"""u8],
        [.. """{"action":"host","target":"web01","purge":true}"""u8],
        [.. """{"action":"image","target":"centos"}"""u8],
    ];

    private static readonly string[] Values =
        ["null", "true", "[]", "{}", "-1", "5", "1e400", "0.5", "99999999999999999999", "\"\"", "\"web01\"", "\"\\ud800\"", "\"DUP\"", "\"setimage\"",
        "\"AddStorage\"", "\"host\"", "\"image\"", "\"../../x\"", "{\"a\":1,\"\":2}", "{\"image\":\"a\",\"HOSTNAME\":\"b\"}", "{\"Size\":1,\"hostname\":\"c\"}"];

    private static readonly string[] Members =
        ["action", "Action", "target", "TARGET", "purge", "createvmform", "duplicateinfo", "DuplicateInfo", "storageinfo", "", "\\ud800", "other"];

    [Fact]
    public void Any_bytes_are_read_or_refused() => Holds(ArbMap.Default.ArbFor<byte[]>());

    [Fact]
    public void Any_change_to_a_valid_body_is_read_or_refused() => Holds(Arb.From(
        from body in Gen.Elements(Valid)
        from at in Gen.Choose(0, body.Length - 1)
        from removed in Gen.Choose(0, 3)
        from added in Gen.Elements(new byte[][] { [], [0], [0xFF], [.. "\""u8], [.. "{"u8], [.. "\\ud800"u8], [.. ",\"x\":1"u8], [.. "9"u8] })
        select (byte[])[.. body[..at], .. added, .. body[Math.Min(body.Length, at + removed)..]]));

    [Fact]
    public void Any_members_of_any_kinds_are_read_or_refused() => Holds(Arb.From(
        from count in Gen.Choose(0, 6)
        from members in Gen.ArrayOf(
            from name in Gen.Elements(Members)
            from value in Gen.Elements(Values)
            select $"\"{name}\":{value}", count)
        select Encoding.UTF8.GetBytes($"{{{string.Join(',', members)}}}")));

    [Fact]
    public void An_accepted_name_makes_a_file_that_is_classified_as_what_it_is() => Prop.ForAll(
        Arb.From(Gen.OneOf(ArbMap.Default.GeneratorFor<string>(), Gen.ArrayOf(Gen.Elements([.. "aZ0._-/\\\n\0é"]), 4).Select(text => new string(text)))),
        name =>
        {
            try
            {
                var body = JsonSerializer.SerializeToUtf8Bytes(new { action = "setimage", createvmform = new { image = name, hostname = name } });
                var command = (SetImage)Reading.Command("POST", body);
                return string.Equals(command.Hostname.Text, name, StringComparison.Ordinal)
                    && Reading.Names.Classify(Reading.Names.SystemDisk(command.Hostname).Text) is SystemDiskEntry disk && disk.Hostname == command.Hostname
                    && Reading.Names.Classify(Reading.Names.Template(command.Image).Text) is TemplateEntry template && template.Image == command.Image
                    && !name.Contains('/', StringComparison.Ordinal);
            }
            catch (InvalidRequestException invalid)
            {
                return invalid.Kind.Status == 400 && !invalid.Message.Any(char.IsControl);
            }
        }).QuickCheckThrowOnFailure();

    /// <summary>Whatever the bytes, a command comes out or a refusal that is the client's to mend; anything else throws on.</summary>
    private static void Holds(Arbitrary<byte[]> bodies) => Prop.ForAll(bodies, Arb.From(Gen.Elements(Methods)), (body, method) =>
    {
        try
        {
            return Reading.Command(method, body) is not null;
        }
        catch (InvalidRequestException invalid)
        {
            return invalid.Kind.Status == 400 && !invalid.Message.Any(char.IsControl);
        }
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));
}
