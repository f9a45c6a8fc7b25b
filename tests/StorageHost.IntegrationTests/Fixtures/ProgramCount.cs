namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>Counts, again and again, the processes of one program in the network of a daemon.</summary>
internal sealed class ProgramCount : IDisposable
{
    private readonly string program;
    private readonly string? network;
    private readonly Thread thread;
    private readonly ManualResetEventSlim stopped = new();

    public ProgramCount(string program, Daemon daemon)
    {
        (this.program, network) = (program, new FileInfo($"/proc/{daemon.Pid}/ns/net").LinkTarget);
        thread = new Thread(Sample) { IsBackground = true };
        thread.Start();
    }

    public int Most { get; private set; }

    public int Samples { get; private set; }

    public int Now => Directory.EnumerateDirectories("/proc").Count(IsOne);

    public void Dispose()
    {
        stopped.Set();
        thread.Join();
        stopped.Dispose();
    }

    private void Sample()
    {
        do
        {
            Most = Math.Max(Most, Now);
            Samples++;
        }
        while (!stopped.Wait(TimeSpan.FromMilliseconds(20)));
    }

    private bool IsOne(string process)
    {
        try
        {
            return char.IsAsciiDigit(process[^1]) && File.ReadAllText(Path.Combine(process, "comm")) == program + '\n' && new FileInfo(Path.Combine(process, "ns/net")).LinkTarget == network;
        }
        catch (IOException)
        {
            return false; // it ended meanwhile
        }
    }
}
