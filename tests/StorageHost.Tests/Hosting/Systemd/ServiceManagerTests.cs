using StorageHost.Hosting.Systemd;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Hosting.Systemd;

public sealed class ServiceManagerTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_it_is_told_arrives_at_an_abstract_name_and_at_a_path(bool isAbstract)
    {
        using var listener = new Listener(isAbstract);
        Assert.True(listener.Manager.Listens);
        listener.Manager.Tell(ServiceState.Ready);
        listener.Manager.Tell(ServiceState.Status("all is well"));
        Assert.Equal(("READY=1", "STATUS=all is well"), (listener.Hear(), listener.Hear()));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("vsock:2:1234")]
    public void Where_nobody_listens_nothing_is_told(string? address)
    {
        var manager = new ServiceManager(address);
        Assert.False(manager.Listens);
        manager.Tell(ServiceState.Ready);
    }

    [Fact]
    public void A_listener_that_has_gone_disturbs_nothing() => new ServiceManager("/nowhere/socket").Tell(ServiceState.Ready);

    [Fact]
    public async Task A_listener_that_does_not_listen_is_not_waited_for()
    {
        using var listener = new Listener();
        listener.Fill();
        await Eventually.EndsAsync(Task.Run(() => listener.Manager.Tell(ServiceState.Ready)));
        Assert.Equal("full", listener.Hear());
    }

    [Fact]
    public void A_reload_tells_when_it_began_and_a_status_is_one_line()
    {
        var time = new ManualTimeProvider();
        Assert.Equal($"RELOADING=1\nMONOTONIC_USEC={ManualTimeProvider.Start.Ticks / 10}", ServiceState.Reloading(time));
        Assert.Equal("STATUS=one two", ServiceState.Status("one\ntwo"));
    }
}
