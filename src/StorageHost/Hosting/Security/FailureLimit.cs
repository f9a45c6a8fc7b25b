using System.Net;
using System.Threading.RateLimiting;

namespace StorageHost.Hosting.Security;

/// <summary>
/// How many failed proofs of identity an address may show: ten at once, then one a second. It spares the log and whoever reads it; guessing
/// a token is hopeless without it. So a right token is never refused for the wrong ones that came from the same address before.
/// </summary>
internal sealed class FailureLimit : IDisposable
{
    private const int AtOnce = 10;

    /// <summary>Of an IPv6 address, the bytes that a network is given; whoever has one has all addresses in it.</summary>
    private const int NetworkBytes = 8;

    private readonly PartitionedRateLimiter<IPAddress?> limiter = PartitionedRateLimiter.Create<IPAddress?, string>(address =>
        RateLimitPartition.GetTokenBucketLimiter(NetworkOf(address), _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = AtOnce,
            TokensPerPeriod = 1,
            ReplenishmentPeriod = TimeSpan.FromSeconds(1),
        }));

    /// <summary>Counts a failure; false when there were too many.</summary>
    /// <param name="address">Where it came from; null for a Unix socket.</param>
    public bool Admit(IPAddress? address)
    {
        using var lease = limiter.AttemptAcquire(address);
        return lease.IsAcquired;
    }

    public void Dispose() => limiter.Dispose();

    private static string NetworkOf(IPAddress? address) =>
        address is null ? ""
        : address.IsIPv4MappedToIPv6 || address.GetAddressBytes() is not { Length: > NetworkBytes } bytes ? address.ToString()
        : Convert.ToHexString(bytes.AsSpan(..NetworkBytes));
}
