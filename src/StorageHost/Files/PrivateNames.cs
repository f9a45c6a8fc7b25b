namespace StorageHost.Files;

/// <summary>What a file under a private name is; it decides what recovery does with it.</summary>
internal enum PrivateKind
{
    /// <summary>A copy taken from a pool: with one name left it goes back.</summary>
    Claim,

    /// <summary>Anything in the making: it is deleted.</summary>
    Making,
}

/// <summary>Private names: <c>claim-&lt;n&gt;-&lt;image&gt;</c> and <c>making-&lt;n&gt;-</c>.</summary>
internal static class PrivateNames
{
    private const string ClaimPrefix = "claim";

    public static string Prefix(PrivateKind kind) => kind == PrivateKind.Claim ? ClaimPrefix : "making";

    /// <summary>The image of a claim, as text to be parsed; null when the name is no claim's.</summary>
    public static string? ClaimedImage(string name) => name.Split('-', 3) is [ClaimPrefix, _, { Length: > 0 } image] ? image : null;
}
