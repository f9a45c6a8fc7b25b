using System.Globalization;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;
using StorageHost.Images.Ports;
using StorageHost.Tests.Images;
using Xunit;

namespace StorageHost.Tests.Files.Publishing;

/// <summary>What one command does; which daemon does it, for which host, and in which way.</summary>
internal sealed record Step(string Verb, int Daemon, int Host, int Way)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Verb}({Daemon}, web{Host}, {Way})");
}

/// <summary>
/// Two daemons on one directory, and what must be there after each step: every disk that was published and not deleted, once, with its
/// template's content of that time, and nothing else.
/// </summary>
internal sealed class ClaimModel : IAsyncDisposable
{
    private static readonly ImageName Image = Sample.Centos;

    private readonly Store store = Store.Quick();
    private readonly Daemon[] daemons = new Daemon[2];
    private readonly List<Copy>[] known = [[], []];
    private readonly Dictionary<int, int> disks = [];
    private int version;
    private bool hasTemplate;

    public static readonly string[] Verbs =
        ["fill", "fill", "fill", "look", "claim", "claim", "claim", "claim", "trim", "delete host", "replace template", "delete image", "crash", "crash", "recover", "touch"];

    public static async Task<ClaimModel> StartAsync()
    {
        var model = new ClaimModel();
        model.store.Write("bystander.qcow2", 1);
        model.store.Write("centos7_template.img", 2);
        model.store.Write("notes", 3);
        model.ReplaceTemplate(0);
        for (var daemon = 0; daemon < 2; daemon++)
        {
            model.daemons[daemon] = await Daemon.StartAsync(model.store);
        }

        return model;
    }

    public async Task RunAsync(Step step)
    {
        var daemon = daemons[step.Daemon];
        switch (step.Verb)
        {
            case "fill": await FillAsync(step); break;
            case "look": known[step.Daemon] = [.. (await daemon.Images.ScanAsync(CancellationToken.None)).Copies]; break;
            case "claim": await ClaimAsync(step); break;
            case "trim" when known[step.Daemon].Count > 0: await daemon.Publisher.RetireAsync(known[step.Daemon][0], CancellationToken.None); break;
            case "delete host": await DeleteHostAsync(step); break;
            case "replace template": ReplaceTemplate(step.Way); break;
            case "delete image": await DeleteImageAsync(daemon); break;
            case "crash": await CrashAsync(step); break;
            case "recover": await RecoverAsync(daemon); break;
            case "touch": Touch(step.Way); break;
        }

        await CheckAsync(step.Verb == "recover");
    }

    /// <summary>After both have recovered there is nothing private left, and every name is a file of its own.</summary>
    public async Task EndAsync()
    {
        foreach (var daemon in daemons)
        {
            await RecoverAsync(daemon);
        }

        await CheckAsync(true);
        Assert.Equal((2, 0), (store.PrivateDirectories, store.Private.Count));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var daemon in daemons)
        {
            await daemon.DisposeAsync();
        }

        store.Dispose();
    }

    /// <summary>Recovers until there is nothing left of the dead: a process that another test starts has their locks, too, until it runs its program.</summary>
    private async Task RecoverAsync(Daemon daemon)
    {
        for (var tries = 0; tries == 0 || (store.PrivateDirectories > daemons.Length && tries < 100); tries++)
        {
            await Task.Delay(tries);
            await daemon.RecoverAsync();
        }
    }

    private static byte[] Content(int version)
    {
        var content = new byte[3000];
        new Random(version).NextBytes(content);
        content[0] = 1;
        return content;
    }

    private async Task FillAsync(Step step)
    {
        try
        {
            known[step.Daemon].AddRange(await daemons[step.Daemon].FillAsync(1 + (step.Way % 3)));
        }
        catch (RefusedException refused)
        {
            Assert.Equal((Refusal.ImageNotFound, false), (refused.Reason, hasTemplate));
        }
    }

    private async Task ClaimAsync(Step step)
    {
        if (known[step.Daemon].Count == 0 || !hasTemplate)
        {
            return;
        }

        // What a daemon knows may be long out of date: then the claim must come to nothing.
        var copy = known[step.Daemon][step.Way % known[step.Daemon].Count];
        known[step.Daemon].Remove(copy);
        var result = await daemons[step.Daemon].PublishAsync(copy, Sample.Host($"web{step.Host}"));
        if (result.Outcome == PublishOutcome.Published)
        {
            Assert.True(disks.TryAdd(step.Host, version));
        }
        else if (result.Outcome == PublishOutcome.HostExists)
        {
            Assert.Contains(step.Host, disks);
            known[step.Daemon].Add(result.Returned!);
        }
    }

    private async Task DeleteHostAsync(Step step)
    {
        try
        {
            await daemons[step.Daemon].Remover.RemoveHostAsync(Sample.Host($"web{step.Host}"), step.Way % 2 == 0, CancellationToken.None);
            Assert.True(disks.Remove(step.Host));
        }
        catch (RefusedException refused)
        {
            Assert.Equal((Refusal.HostNotFound, false), (refused.Reason, disks.ContainsKey(step.Host)));
        }
    }

    private void ReplaceTemplate(int way)
    {
        version++;
        hasTemplate = true;
        var name = way % 2 == 0 ? "centos_template.img" : "incoming";
        File.WriteAllBytes(store[name], Content(version));
        File.SetLastWriteTimeUtc(store[name], Store.Written.AddTicks(version));
        File.Move(store[name], store["centos_template.img"], overwrite: true);
    }

    private async Task DeleteImageAsync(Daemon daemon)
    {
        try
        {
            await daemon.Remover.RemoveImageAsync(Image, CancellationToken.None);
            hasTemplate = false;
            Assert.DoesNotContain("centos_", store.Names, StringComparison.Ordinal);
        }
        catch (RefusedException refused)
        {
            Assert.Equal((Refusal.ImageNotFound, false), (refused.Reason, hasTemplate));
        }
    }

    /// <summary>Dies: idle, while making, after taking a copy, after giving it the disk's name, or after giving it back.</summary>
    private async Task CrashAsync(Step step)
    {
        var daemon = daemons[step.Daemon];
        var fingerprint = hasTemplate ? store.Stat("centos_template.img").Fingerprint : default;
        var copy = (await daemon.Images.ScanAsync(CancellationToken.None)).Copies.FirstOrDefault(copy => copy.MadeFrom == fingerprint);
        await daemon.RunAsync(session =>
        {
            using var making = session.Private.NewFile(PrivateKind.Making, "centos");
            using var claim = session.Private.NewFile(PrivateKind.Claim, "centos");
            if (step.Way >= 1)
            {
                store.Write(making.Name, 1, 2, 3);
            }

            if (copy is null || step.Way < 2)
            {
                return true;
            }

            var name = Sample.Names.Copy(Image, copy.Number).Text;
            Assert.True(session.Mount.TryRename(name, claim.Name));
            if (step.Way == 3 && store.Link(claim.Name, $"web{step.Host}.qcow2"))
            {
                disks.Add(step.Host, version);
            }

            return step.Way != 4 || store.Link(claim.Name, name);
        });
        await daemon.CrashAsync();
        daemons[step.Daemon] = await Daemon.StartAsync(store);
        known[step.Daemon].Clear();
    }

    private void Touch(int way)
    {
        var copies = store.Names.Split(' ').Where(name => name.EndsWith("_ready", StringComparison.Ordinal)).ToArray();
        if (copies.Length > 0 && new FileInfo(store[copies[way % copies.Length]]) is var file)
        {
            using var written = file.OpenWrite();
            written.WriteByte(0xee);
        }
    }

    private async Task CheckAsync(bool recovered)
    {
        var names = store.Names.Split(' ');
        var template = hasTemplate ? store.Stat("centos_template.img").Fingerprint : default;
        Assert.Equal(
            string.Join(' ', disks.Keys.Select(host => $"web{host}.qcow2").Order(StringComparer.Ordinal)),
            string.Join(' ', names.Where(name => name.StartsWith("web", StringComparison.Ordinal))));
        Assert.All(disks, disk => Assert.True(store.Read($"web{disk.Key}.qcow2").AsSpan().SequenceEqual(Content(disk.Value))));
        var offered = (await daemons[0].Images.ScanAsync(CancellationToken.None)).Copies.Where(copy => hasTemplate && copy.MadeFrom == template).ToArray();
        Assert.All(offered, copy => Assert.True(store.Read($"centos_dup_{copy.Number}_ready").AsSpan().SequenceEqual(Content(version))));
        Assert.Equal(hasTemplate, !hasTemplate ? store.Has("centos_template.img") : store.Read("centos_template.img").AsSpan().SequenceEqual(Content(version)));
        Assert.Equal((1, 2, 3), (store.Read("bystander.qcow2").Single(), store.Read("centos7_template.img").Single(), store.Read("notes").Single()));

        // The look may have taken the name of a copy that had two.
        var files = store.Names.Split(' ').Select(store.Stat).ToArray();
        Assert.Equal(files.Length, files.Select(file => file.Inode).Distinct().Count());
        Assert.True(!recovered || files.All(file => file.Links == 1));
    }
}
