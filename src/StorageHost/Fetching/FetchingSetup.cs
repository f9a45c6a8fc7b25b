using System.Net;
using StorageHost.Images.Ports;

namespace StorageHost.Fetching;

/// <summary>Joins the fetching of URLs to a host.</summary>
internal static class FetchingSetup
{
    public static IServiceCollection AddFetching(this IServiceCollection services) => services
        .AddSingleton<NameLookup>(Dns.GetHostAddressesAsync)
        .AddSingleton<UrlRules>()
        .AddSingleton<UrlTransport>()
        .AddSingleton<UrlRequests>()
        .AddSingleton<IUrlSource, UrlSource>();
}
