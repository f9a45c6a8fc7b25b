using StorageHost.Images;
using StorageHost.ImageStorages;
using Xunit;

namespace StorageHost.Tests.ImageStorages;

/// <summary>How facts become volumes of the three kinds, also when some of them are missing.</summary>
public sealed class ImageStorageServiceTests
{
    private static readonly IndexedImage Template = new("centos_template.img", "centos", "", 10L << 30, null);
    private static readonly IndexedImage Disk = new("web01.qcow2", "web01", "web01", (1 << 20) + 1, "centos");

    private readonly Known known = new();

    [Fact]
    public void Without_a_cluster_the_only_host_is_this_one_and_with_it_its_nodes()
    {
        Assert.Equal(["me"], known.Get().Hosts);
        known.Cluster = Known.ClusterOf();
        Assert.Equal(["n1", "n2", "n3"], known.Get().Hosts);
    }

    [Fact]
    public void Another_id_is_refused_by_name()
    {
        var refusal = Assert.Throws<RefusedException>(() => known.Service().Get("external"));
        Assert.Equal((Refusal.ImageStorageNotFound, "internal"), (refusal.Reason, Assert.Single(known.Service().Ids)));
        Assert.Contains("there is internal", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_directory_on_a_known_disk_is_a_volume_of_that_disk()
    {
        known.Directories.Add(("ssd", Known.Fresh(Known.Directory("xfs", "/dev/mapper/vg-vms", "252:3", images: [Disk, Template]))));
        known.Disks = Known.Fresh<IReadOnlyList<PhysicalDisk>>(
            [Known.Disk("3500", "/dev/sdb", "8:16", "252:3"), Known.Disk("3600", "/dev/sdc", "8:32", "252:3"), Known.Disk("3700", "/dev/sdd", "8:48")]);

        var answer = known.Get();

        var volume = Assert.Single(answer.Volumes);
        Assert.Equal(("ssd", "3500", "3600"), (volume.VolumeId, volume.PrimaryDiskId, volume.SecondaryDiskId));
        Assert.Equal((100L << 20, 60L << 20), (volume.TotalSpace, volume.FreeSpace));
        Assert.Equal([new ImageInfo("ssd", "web01", "web01", "internal", 2), new ImageInfo("ssd", "centos", "", "internal", 10240)], volume.Images);
        Assert.Equal([new CloneInfo("web01", "centos", "web01")], volume.Clones);
        Assert.Equal(["ssd", "ssd", ""], answer.Disks.Select(disk => disk.VolumeId).ToArray());
        Assert.Empty(answer.ExternalVolumes);
        Assert.Empty(answer.GlusterVolumes);
    }

    [Fact]
    public void A_device_that_lsblk_did_not_tell_of_is_local_all_the_same()
    {
        known.Directories.Add(("ssd", Known.Fresh(Known.Directory("xfs", "/dev/sdb1", "8:17"))));
        Assert.Equal("", Assert.Single(known.Get().Volumes).PrimaryDiskId);
    }

    [Theory]
    [InlineData("nfs4", "filer:/export")]
    [InlineData("tmpfs", "tmpfs")]
    [InlineData("fuse.sshfs", "me@filer:/vms")]
    public void Anything_else_is_external_with_its_mount_point(string type, string source)
    {
        known.Directories.Add(("far", Known.Fresh(Known.Directory(type, source, mountPoint: "/mnt/far", images: [Disk]))));
        var volume = Assert.Single(known.Get().ExternalVolumes);
        Assert.Equal(("far", "/mnt/far", "web01"), (volume.VolumeId, volume.MountPoint, Assert.Single(volume.Images).ImageId));
    }

    [Fact]
    public void A_directory_of_which_nothing_is_known_is_listed_and_says_so()
    {
        known.Directories.Add(("vms", Facts<DirectoryFacts>.None));
        known.Directories.Add(("gone", new Facts<DirectoryFacts>(null, null, "the directory does not exist")));
        var volumes = known.Get().ExternalVolumes;
        Assert.Equal(
            [("vms", VolumeStatus.Unknown, "the directory was not read yet"), ("gone", VolumeStatus.Broken, "the directory does not exist")],
            volumes.Select(volume => (volume.VolumeId, volume.Status, volume.StatusMsg)));
        Assert.All(volumes, volume => Assert.Empty(volume.Images));
    }

    [Theory]
    [InlineData("n1:/vms")]
    [InlineData("n1:vms")]
    [InlineData("n1:/vms/folder/deeper")]
    public void All_volumes_of_the_cluster_are_listed_and_the_mounted_one_has_the_images_and_the_mounts_space(string source)
    {
        known.Cluster = Known.ClusterOf(Known.Volume("other"), Known.Volume("vms"));
        known.Directories.Add(("srv_vms", Known.Fresh(Known.Directory("fuse.glusterfs", source, images: [Disk]))));

        var answer = known.Get();

        Assert.Equal(["other", "vms"], answer.GlusterVolumes.Select(volume => volume.VolumeId).ToArray());
        Assert.Equal([9L << 10, 100L << 20], answer.GlusterVolumes.Select(volume => volume.TotalSpace));
        Assert.Equal([6L << 10, 60L << 20], answer.GlusterVolumes.Select(volume => volume.FreeSpace));
        Assert.Equal([0, 1], answer.GlusterVolumes.Select(volume => volume.Images.Count));
        Assert.Equal(["n1:/b", "n2:/b", "n3:/b"], answer.GlusterVolumes[0].Bricks);
        Assert.Empty(answer.Volumes);
        Assert.Empty(answer.ExternalVolumes);
    }

    [Fact]
    public void A_mount_of_a_cluster_that_this_node_is_not_in_is_unknown_and_keeps_its_images()
    {
        known.Directories.Add(("srv_vms", Known.Fresh(Known.Directory("fuse.glusterfs", "far:/theirs", images: [Disk]))));
        var volume = Assert.Single(known.Get().GlusterVolumes);
        Assert.Equal(("theirs", VolumeStatus.Unknown, "the Gluster cluster that it belongs to cannot be asked from this node"), (volume.VolumeId, volume.Status, volume.StatusMsg));
        Assert.Single(volume.Images);

        known.Cluster = new Facts<GlusterCluster>(null, null, "gluster hangs");
        Assert.Equal("gluster hangs", Assert.Single(known.Get().GlusterVolumes).StatusMsg);
    }

    [Fact]
    public void What_is_wrong_with_the_mount_comes_beside_what_is_wrong_with_the_volume()
    {
        known.Cluster = Known.ClusterOf(Known.WithBricks(Known.Volume("vms"), true, false, true));
        known.Directories.Add(("srv_vms", Known.Stale(Known.Directory("fuse.glusterfs", "n1:/vms", images: [Disk]), "the mount is dead")));

        var volume = Assert.Single(known.Get().GlusterVolumes);

        Assert.Equal((VolumeStatus.Broken, $"the mount is dead{Known.AsOf}; brick n2:/b is down"), (volume.Status, volume.StatusMsg));
        Assert.Single(volume.Images);
    }

    [Fact]
    public void Volumes_of_all_kinds_are_told_of_in_events()
    {
        known.Cluster = Known.ClusterOf(Known.Volume("g"));
        known.Directories.Add(("l", Known.Fresh(Known.Directory("xfs", "/dev/sdb"))));
        known.Directories.Add(("e", Known.Fresh(Known.Directory("nfs", "filer:/x"))));
        Assert.Equal(["l", "e", "g"], known.Service().Volumes.Select(volume => volume.VolumeId).ToArray());
    }
}
