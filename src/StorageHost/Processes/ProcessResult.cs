namespace StorageHost.Processes;

/// <summary>What a program that ended by itself left.</summary>
/// <param name="ExitCode">Its exit code; 128 plus the signal's number when a signal ended it, such as 137 at a hard limit.</param>
/// <param name="Output">What it wrote to standard output, as UTF-8.</param>
/// <param name="Error">What it wrote to standard error, as UTF-8.</param>
/// <param name="Truncated">Whether either is only the beginning of what was written.</param>
/// <param name="Duration">How long it ran.</param>
internal sealed record ProcessResult(int ExitCode, string Output, string Error, bool Truncated, TimeSpan Duration);

/// <summary>The program is not there, or may not be executed.</summary>
internal sealed class ProcessNotStartedException(string program, Exception? innerException = null)
    : Exception($"{program} could not be started", innerException);

/// <summary>The program did not end by its deadline and was stopped. What it had done by then stands.</summary>
internal sealed class ProcessTimedOutException(string program, TimeSpan timeout)
    : TimeoutException($"{program} did not end within {timeout.TotalSeconds:0.###} s");
