namespace StorageHost.Hosting;

/// <summary>How the daemon ends, as sysexits.h has it, with a word on standard error for whoever started it.</summary>
internal static class ExitCodes
{
    /// <summary>It was asked to stop.</summary>
    public const int Ok = 0;

    /// <summary>EX_USAGE: the command line asks for what there is not.</summary>
    public static int Usage(string message)
    {
        Console.Error.WriteLine(message);
        return 64;
    }

    /// <summary>EX_CONFIG: the configuration has faults; all of them are listed.</summary>
    public static int Configuration(IReadOnlyList<string> faults)
    {
        Console.Error.WriteLine($"storagehost: the configuration has {faults.Count} fault(s):");
        foreach (var fault in faults)
        {
            Console.Error.WriteLine($"  {fault}");
        }

        return 78;
    }

    /// <summary>
    /// EX_UNAVAILABLE: the storage directory cannot be served, the address is taken, or the system is too old or too strict.
    /// </summary>
    public static int Unavailable(Exception cause)
    {
        Console.Error.WriteLine($"storagehost: cannot serve: {cause.Message}");
        return 69;
    }
}
