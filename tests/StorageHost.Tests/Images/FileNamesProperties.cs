using FsCheck;
using FsCheck.Fluent;
using StorageHost.Images.Names;
using Xunit;

namespace StorageHost.Tests.Images;

/// <summary>What holds for any name whatever, and for any template suffix that is allowed.</summary>
public sealed class FileNamesProperties
{
    private const string Directory = "/srv/images";

    private static readonly string[] Parts =
        ["a", "Z", "0", "7", ".", "..", "-", "_", "/", "\\", "*", "?", "[a]", "\0", "\n", "\r", " ", "~", "%2f", "é", "а", "／", "‥", "\u202e", "\ud800", "_dup_",
         "_dup_1", "_ready", "_1_ready", "copying", "_1copying", "_storage_", "_storage_1G", "_5G", "_1", ".qcow2", "_template.img", ".storagehost", "../"];

    private static readonly Gen<string> Hostile = Gen.OneOf(
        ArbMap.Default.GeneratorFor<string>().Select(text => text ?? ""),
        from count in Gen.Choose(0, 6)
        from parts in Gen.ArrayOf(Gen.Elements(Parts), count)
        select string.Concat(parts));

    private static readonly Gen<FileNames> AnyNames =
        from count in Gen.Choose(1, 3)
        from parts in Gen.ArrayOf(Gen.Elements(Parts.Where(part => part.All(character => char.IsAsciiLetterOrDigit(character) || "._-".Contains(character))).ToArray()), count)
        let suffix = string.Concat(parts)
        select new FileNames(FileNames.IsTemplateSuffix(suffix) ? suffix : "_template.img");

    private static readonly Config Thorough = Config.QuickThrowOnFailure.WithMaxTest(2000);

    [Fact]
    public void No_accepted_name_leads_out_of_the_directory() => Check((names, text, number) => Files(names, text, number).All(file =>
        Path.GetDirectoryName(Path.GetFullPath($"{Directory}/{file}")) == Directory
        && Path.GetFileName(Path.GetFullPath($"{Directory}/{file}")) == file.Text
        && System.Text.Encoding.UTF8.GetByteCount(file.Text) <= 255
        && file.Text.All(character => char.IsAscii(character) && !char.IsControl(character) && !"/\\*?[]{}~$\"' ".Contains(character, StringComparison.Ordinal))));

    [Fact]
    public void A_name_that_is_accepted_is_taken_as_it_is() => Check((names, text, _) =>
        (names.ParseImage(text, out var image) is null ? image.Text == text : image == default)
        && (names.ParseHostname(text, out var hostname) is null ? hostname.Text == text : hostname == default));

    [Fact]
    public void Every_file_that_is_made_is_read_back_as_what_it_is() => Check((names, text, number) =>
        (names.ParseImage(text, out var image) is not null
            || (names.Classify(names.Template(image).Text) == new TemplateEntry(names.Template(image), image)
                && names.Classify(names.Copy(image, number).Text) == new CopyEntry(names.Copy(image, number), image, number)
                && names.Classify($"{image}_dup_{number}copying") is LeftoverEntry leftover && leftover.Image == image))
        && (names.ParseHostname(text, out var hostname) is not null
            || (names.Classify(names.SystemDisk(hostname).Text) == new SystemDiskEntry(names.SystemDisk(hostname), hostname)
                && names.Classify(names.DataDisk(hostname, number, 0).Text) == new DataDiskEntry(names.DataDisk(hostname, number, 0), hostname, number)
                && names.Classify(names.DataDisk(hostname, 1, number).Text) == new DataDiskEntry(names.DataDisk(hostname, 1, number), hostname, 1))));

    [Fact]
    public void Every_file_that_is_known_is_one_that_would_be_made() => Check((names, text, _) => names.Classify(text) switch
    {
        null => true,
        TemplateEntry entry => names.Template(entry.Image).Text == text,
        CopyEntry entry => names.Copy(entry.Image, entry.Number).Text == text,
        LeftoverEntry entry => text.StartsWith($"{entry.Image}_dup_", StringComparison.Ordinal),
        SystemDiskEntry entry => names.SystemDisk(entry.Hostname).Text == text,
        DataDiskEntry entry => text.StartsWith(names.DataDisk(entry.Hostname, entry.SizeGb, 0).Text, StringComparison.Ordinal),
        _ => false,
    });

    [Fact]
    public void No_two_names_share_a_file() => Prop.ForAll(Arb.From(AnyNames), Arb.From(Hostile), Arb.From(Hostile), (names, one, other) =>
        one == other || !Files(names, one, 1).Intersect(Files(names, other, 1)).Any()).Check(Thorough);

    private static void Check(Func<FileNames, string, int, bool> holds) =>
        Prop.ForAll(Arb.From(AnyNames), Arb.From(Hostile), Arb.From(Gen.OneOf(Gen.Elements(1, 5), Gen.Choose(1, 70_000))), holds).Check(Thorough);

    private static IEnumerable<FileName> Files(FileNames names, string text, int number)
    {
        if (names.ParseImage(text, out var image) is null)
        {
            yield return names.Template(image);
            yield return names.Copy(image, number);
        }

        if (names.ParseHostname(text, out var hostname) is null)
        {
            yield return names.SystemDisk(hostname);
            yield return names.DataDisk(hostname, number, 0);
            yield return names.DataDisk(hostname, number, number);
        }
    }
}
