using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Moq;
using StorageHost.Api.Events;
using StorageHost.Images;
using StorageHost.ImageStorages;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Api;

public sealed class EventStateTests
{
    private static readonly TimeSpan Validity = TimeSpan.FromMilliseconds(150);

    private readonly ManualTimeProvider time = new();
    private readonly SortedDictionary<string, object> world = new(StringComparer.Ordinal);
    private readonly EventState state;
    private int looks;
    private int written;

    public EventStateTests() => state = new EventState(Look, Write, Validity, time);

    [Fact]
    public void All_readers_share_one_look_and_nothing_is_written_again_that_has_not_changed()
    {
        for (var pool = 0; pool < 5000; pool++)
        {
            world[$"pool {pool}"] = new Level(0);
        }

        var told = new long[5];
        for (var turn = 0; turn < 10; turn++)
        {
            for (var reader = 0; reader < told.Length; reader++)
            {
                var (look, changes) = state.Since(told[reader]);
                Assert.Equal(turn == 0 ? 5000 : 0, changes.Count);
                told[reader] = look;
            }

            time.Advance(Validity);
        }

        Assert.Equal((10, 5000), (looks, written));
    }

    [Fact]
    public void A_change_is_told_once_to_each_reader_and_to_a_new_one_the_state_of_everything()
    {
        (world["a"], world["b"]) = (new Level(1), new Level(1));
        var (told, _) = state.Since(0);
        world["a"] = new Level(2);
        Assert.Empty(state.Since(told).Changes);
        time.Advance(Validity);
        var (next, changes) = state.Since(told);
        Assert.Equal([("pool", "a 2")], changes);
        Assert.Equal([("pool", "a 2")], state.Since(told).Changes);
        Assert.Empty(state.Since(next).Changes);
        Assert.Equal([("pool", "a 2"), ("pool", "b 1")], state.Since(0).Changes);
    }

    [Fact]
    public void What_is_another_object_and_reads_the_same_is_no_change()
    {
        world["a"] = new Level(1);
        var (told, _) = state.Since(0);
        world["a"] = new Level(1) { Hidden = 7 };
        time.Advance(Validity);
        Assert.Empty(state.Since(told).Changes);
    }

    [Fact]
    public void What_is_gone_is_forgotten_and_told_anew_when_it_comes_again()
    {
        (world["a"], world["b"]) = (new Level(1), new Level(1));
        var (told, _) = state.Since(0);
        world.Remove("a");
        time.Advance(Validity);
        (told, var changes) = state.Since(told);
        Assert.Empty(changes);
        Assert.Equal([("pool", "b 1")], state.Since(0).Changes);
        world["a"] = new Level(1);
        time.Advance(Validity);
        Assert.Equal([("pool", "a 1")], state.Since(told).Changes);
    }

    [Fact]
    public void Readers_have_a_limit()
    {
        var stream = new EventStream(
            (ImageCacheService)RuntimeHelpers.GetUninitializedObject(typeof(ImageCacheService)),
            (ImageStorageService)RuntimeHelpers.GetUninitializedObject(typeof(ImageStorageService)),
            time,
            Mock.Of<IHostApplicationLifetime>(),
            Options.Create(new JsonOptions()));
        var places = Enumerable.Range(0, EventStream.MaxReaders).Select(_ => stream.Enter()).ToList();
        var refused = Assert.Throws<RefusedException>(stream.Enter);
        Assert.Equal((Refusal.TooManyRequests, "100 clients read /events already"), (refused.Reason, refused.Message));
        places[0].Dispose();
        stream.Enter().Dispose();
    }

    private IEnumerable<Observed> Look()
    {
        looks++;
        return world.Select(entry => new Observed("pool", entry.Key, (entry.Key, entry.Value)));
    }

    private string Write(object value)
    {
        written++;
        var (key, level) = ((string, object))value;
        return $"{key} {((Level)level).Ready}";
    }

    private sealed record Level(int Ready)
    {
        public int Hidden { get; init; }
    }
}
