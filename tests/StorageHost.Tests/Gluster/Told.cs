using StorageHost.Gluster;
using StorageHost.ImageStorages;
using StorageHost.Processes;
using StorageHost.Tests.ImageStorages;

namespace StorageHost.Tests.Gluster;

/// <summary>What an operator is told after one look, of which every answer is given.</summary>
internal sealed class Told
{
    private readonly ClusterState state = new("me");
    private string? problem;

    private Told(string peers, string volumes, string status)
    {
        Try(() => state.Learn(Read(peers, PeerList.Parse), Canned.Now));
        Try(() => state.Learn(Read(volumes, VolumeInfoList.Parse), Canned.Now));
        Try(() => state.Learn(Read(status, VolumeStatusList.Parse), Canned.Now));
        Facts = state.ToFacts(problem);
        Answer = new Known { Cluster = Facts }.Get();
    }

    public Facts<GlusterCluster> Facts { get; }

    public ImageStorageInfo Answer { get; }

    public static Told By(string peers, string volumes, string status) => new(peers, volumes, status);

    /// <summary>By the answers in a folder of <see cref="Canned"/>, one of them changed perhaps.</summary>
    public static Told By(string folder, string changed = "", Func<string, string>? change = null)
    {
        return By(Text("pool_list.xml"), Text("volume_info.xml"), Text("volume_status_all_detail.xml"));

        string Text(string file) => file == changed ? change!(Canned.Text($"{folder}/{file}")) : Canned.Text($"{folder}/{file}");
    }

    /// <summary>Each volume with its status and message, a line each.</summary>
    public string Lines => string.Join('\n', Answer.GlusterVolumes.Select(Line));

    private static string Line(GlusterVolumeInfo volume) =>
        $"{volume.VolumeId} ({volume.Type}, {volume.Configuration}, {volume.Transport}): {volume.Status.ToString().ToLowerInvariant()} {volume.StatusMsg}".TrimEnd();

    private static IReadOnlyList<T> Read<T>(string output, Func<System.Xml.Linq.XElement, Reading<T>> parse) =>
        GlusterAnswer.Read("gluster", new ProcessResult(0, output, "", Truncated: false, TimeSpan.Zero), parse).Items;

    private void Try(Action learn)
    {
        try
        {
            learn();
        }
        catch (GlusterException exception)
        {
            problem ??= exception.Message;
        }
    }
}
