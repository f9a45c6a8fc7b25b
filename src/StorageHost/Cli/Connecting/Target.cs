namespace StorageHost.Cli.Connecting;

/// <summary>Whom a command speaks to.</summary>
/// <param name="Servers">The addresses, the first tried first.</param>
/// <param name="Credentials">How the client shows who it is.</param>
internal sealed record Target(IReadOnlyList<ServerAddress> Servers, Credentials Credentials)
{
    /// <summary>
    /// Finds it. The option for the server counts over that for the context, this over the variable, and that over the current context.
    /// The credentials of a context go to another server only when both are named.
    /// </summary>
    /// <param name="server">What the command line says; null when it says nothing.</param>
    /// <param name="context">The name of a context there; null for none.</param>
    /// <param name="variable">What STORAGEHOST_SERVER says; null or empty for nothing.</param>
    /// <param name="credentials">What the command line says of these.</param>
    /// <param name="read">Reads the file of the contexts.</param>
    public static Target Find(string? server, string? context, string? variable, Credentials credentials, Func<ContextFile> read)
    {
        if (context is null && (server ?? variable) is { Length: > 0 } only)
        {
            return new Target(ServerAddress.ParseAll(only), credentials);
        }

        var found = read().Find(context);
        return new Target(
            server is not null ? ServerAddress.ParseAll(server) : found?.Servers ?? ServerAddress.Local,
            credentials.Over(found?.Credentials ?? Credentials.None));
    }
}
