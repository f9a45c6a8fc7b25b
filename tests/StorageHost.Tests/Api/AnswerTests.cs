using System.Text.Json;
using StorageHost.Api;
using StorageHost.Api.Dispatch;
using StorageHost.Images;
using StorageHost.Images.Jobs;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;
using StorageHost.Images.Templates;
using Xunit;

namespace StorageHost.Tests.Api;

public sealed class AnswerTests
{
    private static readonly ImageName Centos = Reading.Image("centos");
    private static readonly Hostname Web01 = Reading.Host("web01");

    [Fact]
    public void Images() => Written("""{"images":["centos"]}""", ImagesAnswer.Of([Centos]));

    [Fact]
    public void A_published_disk() => Written(
        """{"hostname":"web01","image":"centos","disk":"web01.qcow2","source":"pool"}""",
        DiskAnswer.Of(new PublishedDisk(Web01, Centos, Reading.Names.SystemDisk(Web01), DiskSource.Pool)));

    [Fact]
    public void A_published_disk_of_a_size_that_was_asked_for() => Written(
        """{"hostname":"web01","image":"centos","disk":"web01.qcow2","source":"copy","size_gb":40,"linked":false}""",
        DiskAnswer.Of(new PublishedDisk(Web01, Centos, Reading.Names.SystemDisk(Web01), DiskSource.Copy, 40)));

    [Fact]
    public void A_data_disk() => Written(
        """{"hostname":"web01","disk":"web01_storage_5G","size_gb":5}""",
        DataDiskAnswer.Of(new DataDisk(Web01, Reading.Names.DataDisk(Web01, 5, 0), 5)));

    [Fact]
    public void A_removed_host() => Written(
        """{"hostname":"web01","removed":["web01.qcow2"],"kept":["web01_storage_5G_1"]}""",
        RemovedHostAnswer.Of(new RemovedHost(Web01, [Reading.Names.SystemDisk(Web01)], [Reading.Names.DataDisk(Web01, 5, 1)])));

    [Fact]
    public void A_removed_disk() => Written(
        """{"hostname":"web01","removed":["web01_storage_5G"]}""",
        RemovedDiskAnswer.Of(new RemovedDisk(Web01, new FileName("web01_storage_5G"))));

    [Fact]
    public void A_removed_image() => Written(
        """{"image":"centos","removed":["centos_template.img"]}""",
        RemovedImageAnswer.Of(new RemovedImage(Centos, [Reading.Names.Template(Centos)])));

    [Fact]
    public void Pools() => Written(
        """
        {"pools":[{"image":"centos","wanted":3,"ready":1,"copying":2,"waiting":4,"hits":5,"misses":6,
        "last_refill":"1970-01-01T00:00:01+00:00",
        "template":{"size":7,"modified":"1970-01-01T00:00:01.5+00:00","modified_ns":1500000001,"inode":18446744073709551615},
        "job":"j1","problem":"it's full","problem_since":"1970-01-01T00:00:02+00:00"}]}
        """,
        PoolsAnswer.Of([new PoolStatus(
            Centos, 3, 1, 2, 4, 5, 6, DateTimeOffset.UnixEpoch.AddSeconds(1), new Fingerprint(7, 1_500_000_001, ulong.MaxValue), "j1",
            new PoolProblem("it's full", DateTimeOffset.UnixEpoch.AddSeconds(2)))]));

    [Fact]
    public void A_pool_of_which_little_is_known() => Written(
        """
        {"pools":[{"image":"centos","wanted":0,"ready":0,"copying":0,"waiting":0,"hits":0,"misses":0,
        "last_refill":null,"template":null,"job":null,"problem":null,"problem_since":null}]}
        """,
        PoolsAnswer.Of([new PoolStatus(Centos, 0, 0, 0, 0, 0, 0, null, null, null, null)]));

    [Fact]
    public void Jobs() => Written(
        """
        {"jobs":[{"id":"j1","kind":"setimage","image":"centos","hostname":"web01","state":"succeeded","copies_done":1,"copies_total":2,
        "bytes_done":3,"bytes_total":4,"bytes_per_second":5,"eta_seconds":2,"error":"e","code":"no_space","disk":"web01.qcow2",
        "created":"1970-01-01T00:00:00+00:00","ended":"1970-01-01T00:00:01+00:00"},
        {"id":"j2","kind":"fill","image":"centos","hostname":null,"state":"running","copies_done":0,"copies_total":0,
        "bytes_done":0,"bytes_total":0,"bytes_per_second":0,"eta_seconds":null,"error":null,"code":null,"disk":null,
        "created":"1970-01-01T00:00:00+00:00","ended":null}]}
        """,
        JobsAnswer.Of(
        [
            new JobStatus(
                "j1", JobKind.SetImage, Centos, Web01, JobState.Succeeded, 1, 2, 3, 4, 5, TimeSpan.FromSeconds(1.2), "e",
                new PublishedDisk(Web01, Centos, Reading.Names.SystemDisk(Web01), DiskSource.Copy),
                DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddSeconds(1)) { Refusal = Refusal.NoSpace },
            new JobStatus("j2", JobKind.Fill, Centos, null, JobState.Running, 0, 0, 0, 0, 0, null, null, null, DateTimeOffset.UnixEpoch, null),
        ]));

    private static void Written<T>(string json, T answer)
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web);
        ApiJson.Configure(options);
        Assert.Equal(json.ReplaceLineEndings(""), JsonSerializer.Serialize(answer, options));
    }
}
