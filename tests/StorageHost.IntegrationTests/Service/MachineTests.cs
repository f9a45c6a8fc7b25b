using StorageHost.IntegrationTests.Fixtures;
using Xunit;
using Xunit.Abstractions;

namespace StorageHost.IntegrationTests.Service;

/// <summary>The package on a machine of its own with a real systemd: what an operator does with it, and what must come of it.</summary>
[Collection(LabTests.Name)]
public sealed class MachineTests(ITestOutputHelper output)
{
    private const string Install = "DEBIAN_FRONTEND=noninteractive dpkg --install /run/packages/*.deb";
    private const string Pid = "systemctl show --property MainPID --value storagehost";
    private const string Shipped = "/etc/storagehost/appsettings.json";
    private const string Settings = "/etc/storagehost/conf.d";
    private const string Ask = "curl --silent --fail-with-body http://127.0.0.1:33833";

    /// <summary>A Gluster volume of three bricks for /srv/vms, served as the manual says. It is stopped, so that it cannot be mounted.</summary>
    private const string Serve = $$"""
        systemctl start glusterd
        mkdir /brick; truncate --size 600M /run/brick.img; mkfs.xfs -q /run/brick.img; mount -o loop /run/brick.img /brick
        gluster --mode=script volume create vms replica 3 machine:/brick/1 machine:/brick/2 machine:/brick/3 force
        gluster volume start vms
        mkdir --parents /srv/vms; mount -t glusterfs machine:/vms /srv/vms; until chown storagehost: /srv/vms; do sleep 0.2; done; umount /srv/vms
        gluster --mode=script volume stop vms
        echo 'machine:/vms /srv/vms glusterfs defaults,_netdev 0 0' >> /etc/fstab
        echo '{ "Storage": { "Directory": "/srv/vms", "RequireMount": "fuse.glusterfs" } }' > {{Settings}}/site.json
        mkdir /etc/systemd/system/storagehost.service.d
        mount=$(systemd-escape --path --suffix=mount /srv/vms)
        printf '[Unit]\nWants=%s\nAfter=%s\n[Service]\nReadWritePaths=/srv/vms\n' "$mount" "$mount" > /etc/systemd/system/storagehost.service.d/storage.conf
        systemctl daemon-reload
        systemctl enable --now storagehost || true
        """;

    private const string AddTemplate =
        "head --bytes 2M /dev/urandom > /srv/vms/incoming; touch --date '1 hour ago' /srv/vms/incoming; mv /srv/vms/incoming /srv/vms/centos_template.img";

    [DaemonFact]
    public async Task The_service_serves_a_gluster_volume_reloads_under_traffic_is_watched_and_stops()
    {
        await using var machine = await Machine.BootAsync();
        await machine.RunAsync(Install);
        Assert.Equal(new Said(0, "", ""), await machine.TryAsync("systemd-analyze verify storagehost.service"));
        Assert.Equal(0, (await machine.TryAsync("systemd-analyze security --offline=true --threshold=30 storagehost.service")).ExitCode);

        // As its own user, in its sandbox, on the FUSE mount, with qemu-img and gluster.
        // A mount that fails at first, as when all nodes come up together, is tried again with the service.
        await machine.RunAsync(Serve);
        Assert.Equal("failed\nactivating\n", (await machine.TryAsync("systemctl is-active srv-vms.mount storagehost")).Output);
        await machine.RunAsync("gluster volume start vms");
        await machine.UntilAsync("systemctl show --property SubState --value srv-vms.mount storagehost", "mounted\n\nrunning\n", seconds: 60);
        await machine.RunAsync(AddTemplate);
        Assert.Equal("storagehost\n", await machine.RunAsync($"ps --no-headers --format user:20 --pid $({Pid}) | tr -d ' '"));
        await machine.RunAsync(Ask + """/ --data '{"action":"dup","duplicateinfo":{"centos":2}}'""");
        await machine.UntilAsync("systemctl status storagehost", "Status: \"Serving /srv/vms: 2 of 2 copies ready\"");
        Assert.Contains("\"source\":\"pool\"", await machine.RunAsync(SetImage("web01")), StringComparison.Ordinal);
        await machine.RunAsync("cmp /srv/vms/centos_template.img /srv/vms/web01.qcow2");
        var added = await machine.TryAsync(Ask + """/ --data '{"action":"addstorage","storageinfo":{"hostname":"web01","size":1}}'""");
        Assert.True(added.ExitCode == 0, $"{added.Output}\n{(await machine.TryAsync("journalctl --unit storagehost | tail --lines 40")).Output}");
        await machine.UntilAsync($"{Ask}/imagestorages/internal", "\"bricks\":[\"machine:/brick/1\",\"machine:/brick/2\",\"machine:/brick/3\"]", seconds: 40);

        // While callers are served it takes up a level of the log and a limit, and leaves what needs a restart.
        await machine.RunAsync($$"""
            before=$({{Pid}})
            (while [ ! -e /run/enough ]; do {{Ask}}/healthz >> /run/answers || echo dropped >> /run/answers; done) &
            echo '{ "Serilog": { "MinimumLevel": { "Default": "Debug" } }, "Pool": { "MaxCopies": 3 }, "Storage": { "Threads": 8 } }' > {{Settings}}/tuning.json
            systemctl reload storagehost
            logged() { until [ "$(journalctl --unit storagehost | grep --count "$1")" != 0 ]; do sleep 0.1; done; }
            logged 'Serilog:MinimumLevel:Default has changed and is in force'
            logged 'Storage:Threads has changed; restart the daemon to apply it'
            logged 'DBG GET /healthz 200'
            touch /run/enough; wait
            [ "$before" = "$({{Pid}})" ]
            ! grep dropped /run/answers
            """);
        Assert.Contains("from 0 to 3", (await machine.TryAsync(Ask + """/ --data '{"action":"dup","duplicateinfo":{"centos":4}}'""")).Output, StringComparison.Ordinal);

        // Settings with a fault change nothing, and the service goes on.
        await machine.RunAsync($"""sed --in-place 's#"MaxCopies": 3#"MaxCopies": 5, "Workers": 0#' {Settings}/tuning.json; systemctl reload storagehost""");
        await machine.UntilAsync("journalctl --unit storagehost", "Keeping the previous settings; the new ones are invalid: Pool:Workers: must be 2 to 16");
        Assert.Contains("from 0 to 3", (await machine.TryAsync(Ask + """/ --data '{"action":"dup","duplicateinfo":{"centos":4}}'""")).Output, StringComparison.Ordinal);
        await machine.RunAsync($"""sed --in-place 's#, "Workers": 0##' {Settings}/tuning.json""");

        // A daemon that answers nobody any more is replaced.
        await machine.RunAsync($"""
            printf '[Service]\nWatchdogSec=4\nRestartSec=1\n' > /etc/systemd/system/storagehost.service.d/short.conf
            systemctl daemon-reload; systemctl restart storagehost
            kill -STOP $({Pid})
            """);
        await machine.UntilAsync("systemctl show --property NRestarts storagehost", "NRestarts=1", seconds: 30);
        await machine.UntilAsync("systemctl is-active storagehost", "active");
        Assert.Contains("\"hostname\":\"web02\"", await machine.RunAsync(SetImage("web02")), StringComparison.Ordinal);

        // What the killed one left is recovered as soon as Gluster has given up its lock. Who stops leaves nothing.
        const string Daemons = "ls /srv/vms/.storagehost | grep --invert-match --line-regexp 'levels\\|locks\\|deleted\\|template-suffix'";
        for (var stops = 0; stops < 4; stops++)
        {
            await machine.RunAsync("systemctl start storagehost");
            await machine.UntilAsync($"{Daemons} | wc --lines", "1\n");
            await machine.RunAsync("systemctl stop storagehost");
            Assert.Equal("success\n", await machine.RunAsync("systemctl show --property Result --value storagehost"));
            var left = await machine.RunAsync($"{Daemons} || true");
            output.WriteLine(left.Length == 0 ? "" : await machine.RunAsync("ls -laR /srv/vms/.storagehost; journalctl --output short-precise --unit storagehost | tail --lines 40"));
            Assert.Equal("", left);
        }
    }

    [DaemonFact]
    public async Task The_package_installs_upgrades_and_goes_and_leaves_nothing()
    {
        await using var machine = await Machine.BootAsync();
        await machine.RunAsync($"find /etc /usr /lib /var -xdev -not -path '/usr/share/dotnet/*' | sort > /run/before; {Install}");
        Assert.Equal("disabled\ninactive\n", (await machine.TryAsync("systemctl is-enabled storagehost; systemctl is-active storagehost")).Output);
        Assert.Equal("storagehost 750\n", await machine.RunAsync("stat --format '%G %a' /etc/storagehost"));
        Assert.StartsWith("storagehost ", await machine.RunAsync("storagehost --version"), StringComparison.Ordinal);
        Assert.StartsWith("usage: storagehost", await machine.RunAsync("storagehost --help"), StringComparison.Ordinal);
        Assert.Contains("--check-config", await machine.RunAsync("man 8 storagehost"), StringComparison.Ordinal);

        // Nobody has said yet what it is to serve: it says so, and is not started again and again.
        var unset = await machine.TryAsync("storagehost --check-config");
        Assert.Equal(78, unset.ExitCode);
        Assert.Contains("Storage:Directory: is required", unset.Error, StringComparison.Ordinal);
        Assert.NotEqual(0, (await machine.TryAsync("systemctl start storagehost")).ExitCode);
        Assert.Equal("ExecMainStatus=78\nNRestarts=0\n", await machine.RunAsync("systemctl show --property ExecMainStatus --property NRestarts storagehost | sort"));

        await machine.RunAsync($$"""
            mkdir /srv/images; chown storagehost: /srv/images
            echo '{ "Storage": { "Directory": "/srv/images" } }' > {{Settings}}/site.json
            storagehost --check-config > /run/settings
            grep --line-regexp Storage:Directory=/srv/images /run/settings
            systemctl enable --now storagehost
            install -o root -g storagehost -m 640 /dev/null /etc/storagehost/tokens
            storagehost token add ci read --Security:TokensFile=/etc/storagehost/tokens
            runuser -u storagehost -- grep --quiet ' ci$' /etc/storagehost/tokens
            [ "$(stat --format '%U %G %a' /etc/storagehost/tokens)" = 'root storagehost 640' ]
            {{Pid}} > /run/pid
            """);
        await CheckAsRootAsync(machine);

        // An upgrade brings other defaults and another daemon, asks nothing, and keeps what is the site's.
        await machine.RunAsync($$"""
            dpkg-deb --raw-extract /run/packages/storagehost_*.deb /run/next
            sed --in-place 's/^Version: .*/&+next/' /run/next/DEBIAN/control
            sed --in-place 's#"Id": "internal"#"Id": "other"#' /run/next/etc/storagehost/appsettings.json
            dpkg-deb --root-owner-group -Znone --build /run/next /run/next.deb
            dpkg --install /run/next.deb < /dev/null
            storagehost --check-config > /run/settings
            grep --line-regexp Storage:Id=other /run/settings
            grep --line-regexp Storage:Directory=/srv/images /run/settings
            [ -s /etc/storagehost/tokens ]
            [ "$({{Pid}})" != "$(cat /run/pid)" ]
            systemctl is-active storagehost
            {{Ask}}/healthz
            """);

        await machine.RunAsync($"dpkg --remove storagehost; [ -s {Settings}/site.json ]; [ -s {Shipped} ]");
        Assert.Equal("inactive\n", (await machine.TryAsync("systemctl is-active storagehost")).Output);
        await machine.RunAsync("dpkg --purge storagehost; find /etc /usr /lib /var -xdev -not -path '/usr/share/dotnet/*' | sort > /run/after");

        // But for the caches of others, and the user, to whom files on volumes may belong.
        Assert.Equal("", (await machine.TryAsync("comm -13 /run/before /run/after | grep --invert-match '/var/\\(cache\\|log\\|lib/dpkg\\|lib/systemd/\\(random\\|timers\\)\\)\\|/etc/.*-$'")).Output);
        Assert.StartsWith("storagehost:", await machine.RunAsync("getent passwd storagehost"), StringComparison.Ordinal);
    }

    /// <summary>Root checks with the rights of the service's user; a fault has the name of its own setting; what is mistyped touches nothing.</summary>
    private static async Task CheckAsRootAsync(Machine machine)
    {
        await machine.RunAsync("""
            cd /etc/storagehost
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=node1 -keyout key.pem -out cert.pem 2> /dev/null
            chmod 600 key.pem; chmod 644 cert.pem; mkdir --mode 700 /srv/private
            """);
        var check = await machine.TryAsync(
            "storagehost --check-config --Security:Certificate=/etc/storagehost/cert.pem --Security:CertificateKey=/etc/storagehost/key.pem --Storage:Directory=/srv/private/vms");
        Assert.Equal(78, check.ExitCode);
        Assert.StartsWith("storagehost: checked with the rights of the user storagehost\n", check.Error, StringComparison.Ordinal);
        Assert.Contains("  Security:CertificateKey: /etc/storagehost/key.pem: permission denied for the user storagehost\n", check.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("  Security:Certificate: ", check.Error, StringComparison.Ordinal);
        Assert.Contains("permission denied: the user storagehost may not enter /srv/private\n", check.Error, StringComparison.Ordinal);

        foreach (var mistyped in new[] { "--chekc-config", "status", "--chekc-config --Storage:Threads=8" })
        {
            Assert.Equal(64, (await machine.TryAsync($"storagehost {mistyped} --Storage:Directory=/srv/private")).ExitCode);
        }

        await machine.RunAsync("[ -z \"$(ls --almost-all /srv/private)\" ]; rm -r /srv/private /etc/storagehost/*.pem");
    }

    private static string SetImage(string hostname) => Ask + $$$"""/ --data '{"action":"setimage","createvmform":{"image":"centos","hostname":"{{{hostname}}}"}}'""";
}
