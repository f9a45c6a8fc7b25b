using StorageHost.IntegrationTests.Service;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>A storage directory of one test, the daemons that serve it, and what must be in it.</summary>
internal sealed class StorageArea : IAsyncDisposable
{
    private const string SettleTime = "--Pool:SettleTime";

    private readonly Volume volume;
    private readonly string name;
    private readonly List<Daemon> daemons = [];

    private StorageArea(Volume volume, string directory, string name)
    {
        (this.volume, Directory, this.name) = (volume, directory, name);
        Oracle = new Oracle(this);
    }

    /// <summary>The directory as its daemons name it.</summary>
    public string Directory { get; }

    public IReadOnlyList<Place> Places => volume.Places;

    public Oracle Oracle { get; }

    /// <summary>How many daemons it had.</summary>
    public int Started => daemons.Count;

    /// <summary>How many of its daemons live.</summary>
    public int Alive => daemons.Count(daemon => !daemon.HasExited);

    private string NextLog => Path.Combine(Repository.Logs, $"{name}-{daemons.Count + 1}");

    public static StorageArea Make(Volume volume, string directory, string name)
    {
        var area = new StorageArea(volume, directory, name);
        System.IO.Directory.CreateDirectory(area.Seen());
        return area;
    }

    /// <summary>The directory, or a file in it, as this machine reaches it through one of the places.</summary>
    public string Seen(string file = "", int place = 0) => Places[place].Seen(Path.Combine(Directory, file));

    public bool Has(string file) => System.IO.Directory.EnumerateFiles(Seen()).Select(Path.GetFileName).Contains(file, StringComparer.Ordinal);

    /// <summary>Puts a template there, or replaces one as an operator would: whole, then renamed over.</summary>
    public async Task PutTemplateAsync(string image, string master) => (await LayTemplateReadyAsync(image, master))();

    /// <summary>Does all of that but the last step, which is left to the caller. It was written long ago, as far as anybody can tell.</summary>
    public async Task<Action> LayTemplateReadyAsync(string image, string master)
    {
        var incoming = Seen(".incoming");
        await Shell.RunAsync("cp", "--sparse=always", "--preserve=timestamps", master, incoming);
        if (Places.Count > 1)
        {
            // The node that wrote a file with shards never sees its time set back: so forward, which all nodes see.
            await Shell.RunAsync("touch", incoming);
        }

        return () =>
        {
            File.Move(incoming, Seen($"{image}_template.img"), overwrite: true);
            Oracle.Template(image, master);
        };
    }

    /// <summary>Starts a daemon on the directory and waits until it is ready.</summary>
    public Task<Daemon> StartAsync(params string[] settings) => StartAtAsync(0, settings);

    public async Task<Daemon> StartAtAsync(int place, params string[] settings)
    {
        var daemon = Launch(place, settings);
        await daemon.ReadyAsync();
        return daemon;
    }

    /// <summary>Starts a daemon at this address of this machine, and waits until it is ready.</summary>
    public async Task<Daemon> StartAsync(Uri address, Action<SocketsHttpHandler>? shape, params string[] settings)
    {
        var daemon = Add(Daemon.Launch(address, NextLog, shape, Told(settings)));
        await daemon.ReadyAsync();
        return daemon;
    }

    /// <summary>Starts a daemon and does not wait.</summary>
    public Daemon Launch(int place, params string[] settings) => Add(Daemon.Launch(Places[place], NextLog, Told(settings)));

    /// <summary>The same with a command before it, which becomes the daemon.</summary>
    public Daemon Launch(string[] through, params string[] settings) =>
        Add(Daemon.Launch(Places[0] with { Enter = [.. Places[0].Enter, .. through] }, NextLog, Told(settings)));

    /// <summary>The same under a supervisor.</summary>
    public Daemon Launch(Supervisor supervisor, string[] settings, params string[] through) =>
        Launch([.. supervisor.Over(Place.Here).Enter, .. through], settings);

    public async ValueTask DisposeAsync()
    {
        foreach (var daemon in daemons)
        {
            await daemon.DisposeAsync();
        }

        // Only to save space: the volume goes with the lab, and a failure here must not hide the one that the test has found.
        await Shell.TryAsync("find", Seen(), "-mindepth", "1", "-delete");
    }

    // A template on a volume with shards bears the time at which it was put there, and no test is to wait until it has settled.
    private string[] Told(string[] settings) =>
    [
        "--Storage:Directory", Directory, .. settings,
        .. Places.Count > 1 && !settings.Contains(SettleTime, StringComparer.Ordinal) ? [SettleTime, "00:00:00.2"] : Array.Empty<string>(),
    ];

    private Daemon Add(Daemon daemon)
    {
        daemons.Add(daemon);
        return daemon;
    }
}
