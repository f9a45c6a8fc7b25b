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

    // A program that it starts in turn has its name until the exec.
    private static string ParentOf(string process) =>
        $"/proc/{File.ReadLines(Path.Combine(process, "status")).First(line => line.StartsWith("PPid:", StringComparison.Ordinal))[5..].Trim()}";

    private bool IsCalledSo(string process) => File.Exists(Path.Combine(process, "comm")) && File.ReadAllText(Path.Combine(process, "comm")) == program + '\n';

    private bool IsOne(string process)
    {
        try
        {
            return char.IsAsciiDigit(process[^1]) && IsCalledSo(process) && new FileInfo(Path.Combine(process, "ns/net")).LinkTarget == network && !IsCalledSo(ParentOf(process));
        }
        catch (IOException)
        {
            return false; // it ended meanwhile
        }
    }
}
