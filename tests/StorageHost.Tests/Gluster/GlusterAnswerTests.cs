using StorageHost.Gluster;
using StorageHost.Processes;
using Xunit;

namespace StorageHost.Tests.Gluster;

public sealed class GlusterAnswerTests
{
    private const string Command = "gluster volume info";
    private const string Unread = "'gluster volume info' gave an answer that cannot be read: ";

    [Fact]
    public void A_failure_with_exit_code_0_is_one()
    {
        var fault = Refused(Canned.Text("heal-refused.xml"));

        Assert.Equal(GlusterFault.Failed, fault.Fault);
        Assert.Equal(
            "'gluster volume info' failed: This command is supported for only volumes of replicate/disperse type. "
            + "Volume dist is not of type replicate/disperse",
            fault.Message);
    }

    [Fact]
    public void A_lock_that_another_command_holds_is_busy()
    {
        var fault = Refused(Canned.Text("volume-status-busy.xml"));

        Assert.Equal(GlusterFault.Busy, fault.Fault);
        Assert.Equal("'gluster volume info' failed: Another transaction is in progress for rep3. Please try again after some time.", fault.Message);
    }

    [Theory]
    [InlineData(nameof(GlusterFault.NotRunning), 1, "Connection failed. Please check if gluster daemon is operational.\n", "the Gluster daemon (glusterd) does not run on this node")]
    [InlineData(nameof(GlusterFault.Hung), 1, "Error : Request timed out\n", "'gluster volume info' failed: Error : Request timed out")]
    [InlineData(nameof(GlusterFault.Busy), 1, "Locking failed on gn3. Please check log file for details.\n", "'gluster volume info' failed: Locking failed on gn3. Please check log file for details.")]
    [InlineData(nameof(GlusterFault.Failed), 1, "", "'gluster volume info' failed: exit code 1")]
    [InlineData(nameof(GlusterFault.Unreadable), 0, "", Unread + "it is empty")]
    [InlineData(nameof(GlusterFault.Unreadable), 0, " \n", Unread + "it is empty")]
    [InlineData(nameof(GlusterFault.Unreadable), 0, "all is well", Unread + "it is not XML")]
    [InlineData(nameof(GlusterFault.Unreadable), 0, "<html/>", Unread + "it is not XML")]
    [InlineData(nameof(GlusterFault.Unreadable), 0, "<cliOutput><opRet>0</opRet>", Unread + "it is cut short")]
    [InlineData(nameof(GlusterFault.Unreadable), 1, "<?xml version=\"1.0\"?>", Unread + "it is cut short")]
    [InlineData(nameof(GlusterFault.Unreadable), 0, "<cliOutput><opRet>0</opRet></cliOutput><cliOutput><opRet>0</opRet></cliOutput>", Unread + "it is not XML")]
    [InlineData(nameof(GlusterFault.Unreadable), 0, "<cliOutput/>", Unread + "<cliOutput> has no <opRet>")]
    [InlineData(nameof(GlusterFault.Failed), 0, "<cliOutput><opRet>-1</opRet><opErrstr/></cliOutput>", "'gluster volume info' failed: opRet -1")]
    [InlineData(nameof(GlusterFault.Failed), 0, "<cliOutput><opRet>1</opRet><opErrstr> a\nb&#x85;c </opErrstr></cliOutput>", "'gluster volume info' failed: a b c")]
    public void Every_failure_has_its_kind_and_words(string kind, int exitCode, string output, string message)
    {
        var fault = Refused(output, exitCode);

        Assert.Equal((kind, message), (fault.Fault.ToString(), fault.Message));
    }

    [Fact]
    public void The_words_may_be_on_the_other_stream() =>
        Assert.Equal(GlusterFault.NotRunning, Refused("\n", 1, "Connection failed. Please check if gluster daemon is operational.").Fault);

    [Fact]
    public void A_command_that_is_unknown_is_a_failure() =>
        Assert.StartsWith("'gluster volume info' failed: unrecognized word: nonsense (position 1)", Refused(Canned.Text("usage.txt"), 1).Message, StringComparison.Ordinal);

    [Fact]
    public void Reasons_are_cut() =>
        Assert.InRange(Refused($"<cliOutput><opRet>1</opRet><opErrstr>{new string('x', 100_000)}</opErrstr></cliOutput>").Message.Length, 300, 400);

    [Fact]
    public void An_answer_that_was_cut_off_is_none() =>
        Assert.Equal(
            "'gluster volume info' answered more than 8 MiB",
            Assert.Throws<GlusterException>(() => GlusterAnswer.Read(Command, Result(Canned.Text("pool-list.xml")) with { Truncated = true }, answer => answer)).Message);

    [Fact]
    public void Entities_are_not_expanded() =>
        Assert.Equal(Unread + "it is not XML", Refused("<?xml version=\"1.0\"?><!DOCTYPE o [<!ENTITY a \"0\">]><cliOutput><opRet>&a;</opRet></cliOutput>").Message);

    [Fact]
    public void A_bottomless_answer_is_refused_before_anything_walks_it()
    {
        const int Depth = 400_000;
        var deep = $"<cliOutput>{string.Concat(Enumerable.Repeat("<o>", Depth))}<opRet>0</opRet>{string.Concat(Enumerable.Repeat("</o>", Depth))}</cliOutput>";

        Assert.Equal(Unread + "it is nested too deeply", Refused(deep).Message);
    }

    [Fact]
    public void Text_is_given_as_it_stands_or_refused()
    {
        Assert.Equal("Number of entries: 0\n", GlusterAnswer.ReadText(Command, Result("Number of entries: 0\n"), text => text));
        Assert.Throws<GlusterException>(() => GlusterAnswer.ReadText(Command, Result("Gathering count of entries", 1), text => text));
    }

    private static GlusterException Refused(string output, int exitCode = 0, string error = "") =>
        Assert.Throws<GlusterException>(() => GlusterAnswer.Read(Command, Result(output, exitCode, error), answer => answer));

    private static ProcessResult Result(string output, int exitCode = 0, string error = "") => new(exitCode, output, error, Truncated: false, TimeSpan.Zero);
}
