namespace StorageHost.Cli;

/// <summary>Ends a command: a message for standard error, and the exit code.</summary>
/// <param name="code">One of <see cref="ClientExit"/>.</param>
/// <param name="message">What happened and what to do.</param>
internal sealed class ClientException(int code, string message) : Exception(message)
{
    public int Code => code;
}
