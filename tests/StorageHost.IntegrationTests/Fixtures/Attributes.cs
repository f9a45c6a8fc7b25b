using System.Reflection;
using Xunit;
using Xunit.Sdk;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>The kinds of storage that there are to test on.</summary>
public enum StorageKind
{
    /// <summary>XFS with reflinks.</summary>
    Xfs,

    /// <summary>XFS without reflinks: every copy is really written.</summary>
    PlainXfs,

    /// <summary>Gluster, three copies of each file, set up for virtual machines: <c>group virt</c>, with files in shards of 64 MiB.</summary>
    Replica3,

    /// <summary>Gluster, three copies of each file, as a volume comes.</summary>
    PlainReplica3,

    /// <summary>Gluster, each file on one of three bricks.</summary>
    Distribute,
}

/// <summary>A fact about the running daemon.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class DaemonFactAttribute : FactAttribute
{
    public DaemonFactAttribute() => Skip = Requirements.Skip;
}

/// <summary>A theory about the running daemon.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class DaemonTheoryAttribute : TheoryAttribute
{
    public DaemonTheoryAttribute() => Skip = Requirements.Skip;
}

/// <summary>One case for each kind of storage that the daemon is made for.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class EveryStorageAttribute : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => [[StorageKind.Xfs], [StorageKind.Replica3], [StorageKind.Distribute]];
}

/// <summary>One case for each kind of storage that more than one node serves.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SharedStorageAttribute : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => [[StorageKind.Replica3], [StorageKind.Distribute]];
}
