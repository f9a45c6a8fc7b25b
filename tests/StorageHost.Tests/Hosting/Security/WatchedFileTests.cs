using StorageHost.Hosting.Security;
using StorageHost.Tests.Processes;
using Xunit;

namespace StorageHost.Tests.Hosting.Security;

public sealed class WatchedFileTests : IDisposable
{
    private readonly Scratch scratch = new();
    private readonly WatchedFile<string> file;

    public WatchedFileTests()
    {
        Write("a", "one");
        Write("b", "1");
        file = new WatchedFile<string>(["Security:X", "Security:XKey"], [scratch.File("a"), scratch.File("b")], Join, "nothing");
    }

    public void Dispose() => scratch.Dispose();

    [Fact]
    public void Nothing_is_known_before_it_is_opened_and_nothing_is_new_after()
    {
        Assert.Equal("nothing", file.Current);
        Assert.Empty(file.Open());
        Assert.Equal("one 1", file.Current);
        Assert.Null(file.Look());
    }

    [Fact]
    public void A_change_is_taken_up_once_it_has_stayed()
    {
        file.Open();
        Write("a", "two");
        Assert.Null(file.Look());
        Write("b", "2");
        Assert.Null(file.Look());
        Assert.Equal("one 1", file.Current);
        Assert.Equal([], file.Look());
        Assert.Equal("two 2", file.Current);
        Assert.Null(file.Look());
    }

    [Fact]
    public void What_has_faults_is_told_once_and_not_taken_up()
    {
        file.Open();
        Write("a", "bad");
        file.Look();
        Assert.Equal([$"Security:X: {scratch.File("a")}: it is bad", $"Security:XKey: {scratch.File("b")}: very"], file.Look());
        Assert.Null(file.Look());
        Assert.Equal("one 1", file.Current);
        Write("a", "good");
        file.Look();
        Assert.Equal([], file.Look());
        Assert.Equal("good 1", file.Current);
    }

    [Fact]
    public void A_file_that_goes_away_takes_nothing_with_it()
    {
        file.Open();
        File.Delete(scratch.File("b"));
        file.Look();
        Assert.Equal([$"Security:XKey: {scratch.File("b")}: there is no such file"], file.Look());
        Assert.Equal("one 1", file.Current);
        Write("b", "1");
        file.Look();
        Assert.Equal([], file.Look());
    }

    [Fact]
    public void A_file_that_is_missing_at_the_start_is_a_fault() =>
        Assert.Equal(["Security:Y: /nonexistent/x: there is no such file"], new WatchedFile<string>(["Security:Y"], ["/nonexistent/x"], Join, "").Open());

    [Fact]
    public void Without_files_there_is_nothing_to_look_at()
    {
        var none = new WatchedFile<string>(["Security:Z"], [], Join, "nothing");
        Assert.Empty(none.Open());
        Assert.Null(none.Look());
        Assert.Equal("nothing", none.Current);
    }

    private static string Join(IReadOnlyList<string> texts, IReadOnlyList<ICollection<string>> faults)
    {
        if (texts[0] == "bad")
        {
            faults[0].Add("it is bad");
            faults[1].Add("very");
        }

        return string.Join(' ', texts);
    }

    private void Write(string name, string text) => File.WriteAllText(scratch.File(name), text);
}
