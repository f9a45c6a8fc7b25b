using StorageHost.Hosting;
using StorageHost.Tests.Processes;
using Xunit;

namespace StorageHost.Tests.Hosting;

public sealed class FileFaultTests : IDisposable
{
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly Scratch scratch = new();

    public FileFaultTests()
    {
        File.WriteAllText(scratch.File("key"), "");
        File.SetUnixFileMode(scratch.File("key"), UnixFileMode.UserRead);
        File.SetUnixFileMode(Path.GetDirectoryName(scratch.File("key"))!, Owner | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        Directory.CreateDirectory(scratch.File("private"));
        File.WriteAllText(scratch.File("private/key"), "");
        File.SetUnixFileMode(scratch.File("private"), Owner);
        File.CreateSymbolicLink(scratch.File("link"), "private/key");
    }

    public void Dispose() => scratch.Dispose();

    [Fact]
    public void Who_may_not_and_what_keeps_him_out_are_named()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return; // Only root can be somebody else.
        }

        var privately = $"{scratch.File("private/key")}: permission denied: the user nobody may not enter {scratch.File("private")}";
        Assert.Equal(
            [$"{scratch.File("key")}: permission denied for the user nobody", privately, privately],
            As("nobody", () => new[] { "key", "private/key", "link" }.Select(name => FileFault.Denied(scratch.File(name))).ToArray()));
        Assert.Equal(Environment.UserName, FileUser.Name);
    }

    [Fact]
    public void Nobody_can_be_a_user_whom_there_is_not() => Assert.False(FileUser.Assume("no-such-user"));

    [Fact]
    public void What_is_missing_or_no_file_is_said_so()
    {
        Assert.Equal("/nonexistent/x: there is no such file", FileFault.Of("/nonexistent/x", new DirectoryNotFoundException()));
        Assert.Equal($"{scratch.File("private")}: is a directory", FileFault.Of(scratch.File("private"), new UnauthorizedAccessException()));
    }

    /// <summary>On a thread that ends: the others keep their rights.</summary>
    private static string[] As(string user, Func<string[]> act)
    {
        string[] told = [];
        var thread = new Thread(() =>
        {
            Assert.True(FileUser.Assume(user));
            told = act();
            FileUser.Resume();
        });
        thread.Start();
        thread.Join();
        return told;
    }
}
