using StorageHost.Images.Names;
using StorageHost.Images.Pools;
using StorageHost.Images.Templates;

namespace StorageHost.Tests.Images;

/// <summary>Names and things that tests of the core speak of.</summary>
internal static class Sample
{
    public static readonly FileNames Names = new("_template.img");
    public static readonly ImageName Centos = Image("centos");
    public static readonly ImageName Debian = Image("debian12");
    public static readonly Hostname Web01 = Host("web01");
    public static readonly Hostname Web02 = Host("web02");
    public static readonly Fingerprint Old = new(1000, 1, 11);
    public static readonly Fingerprint New = new(1000, 2, 12);

    public static ImageName Image(string text) => Names.ParseImage(text, out var image) is null ? image : throw new ArgumentException(text, nameof(text));

    public static Hostname Host(string text) => Names.ParseHostname(text, out var hostname) is null ? hostname : throw new ArgumentException(text, nameof(text));

    public static Copy Copy(int number, Fingerprint? of = null, ImageName? image = null) => new(image ?? Centos, number, (ulong)(100 + number), new Origin(of ?? Old, (of ?? Old).ModifiedNs));

    public static Claim Claim(string name = "claim", Action<PrivateFile>? release = null, Fingerprint? of = null, ImageName? image = null) =>
        new(image ?? Centos, new PrivateFile(name, release ?? (_ => { })), new Origin(of ?? Old, (of ?? Old).ModifiedNs));

    public static Template Template(ImageName? image = null, Fingerprint? fingerprint = null, long allocated = 1000) =>
        new(image ?? Centos, fingerprint ?? Old, allocated);
}
