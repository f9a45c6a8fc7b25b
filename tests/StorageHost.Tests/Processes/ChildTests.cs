using System.ComponentModel;
using StorageHost.Processes;
using Xunit;

namespace StorageHost.Tests.Processes;

/// <summary>A program whose start takes long, as from a dead mount. What the starter does in time is in <see cref="ProcessRunnerTests"/>.</summary>
public sealed class ChildTests
{
    private const int NoEntry = 2; // ENOENT
    private static readonly string[] Sleep = ["sleep", "60"];

    [Fact]
    public async Task Is_not_started_any_more_when_it_was_stopped_before_its_turn()
    {
        using var child = new Child(Sleep, []);

        child.Terminate();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => child.Ended);
        Assert.False(child.TryBegin());
        Assert.Equal(0, await child.Output.ReadAsync(new byte[1]));
    }

    [Fact]
    public async Task Is_killed_at_once_when_its_start_comes_through_after_it_was_stopped()
    {
        using var child = new Child(Sleep, []);
        Assert.True(child.TryBegin());
        child.Terminate();
        Assert.False(child.Ended.IsCompleted);

        var errno = Spawn.Start(child.Arguments, child.Environment, child.OutputNumber, child.ErrorNumber, out var processId);
        child.Begun(errno, processId);

        Assert.Equal(128 + 9, await child.Ended);
        Assert.Equal(0, await child.Output.ReadAsync(new byte[1]));
        child.Kill();
    }

    [Fact]
    public async Task Says_why_it_could_not_be_started()
    {
        using var child = new Child(["no-such-program"], []);

        ProgramStarter.Enqueue(child);

        Assert.Equal(NoEntry, (await Assert.ThrowsAsync<Win32Exception>(() => child.Ended)).NativeErrorCode);
        Assert.Equal(0, await child.Error.ReadAsync(new byte[1]));
    }
}
