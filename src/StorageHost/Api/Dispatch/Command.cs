using StorageHost.Images;

namespace StorageHost.Api.Dispatch;

/// <summary>A request on <c>/</c> that was read and found valid.</summary>
internal abstract record Command;

/// <summary>GET images.</summary>
internal sealed record ListImages : Command;

/// <summary>POST dup.</summary>
internal sealed record SetLevels(IReadOnlyDictionary<ImageName, int> Levels) : Command;

/// <summary>POST setimage.</summary>
internal sealed record SetImage(ImageName Image, Hostname Hostname) : Command;

/// <summary>POST addstorage.</summary>
internal sealed record AddStorage(Hostname Hostname, int SizeGb) : Command;

/// <summary>DELETE host.</summary>
internal sealed record DeleteHost(Hostname Hostname, bool Purge) : Command;

/// <summary>DELETE image.</summary>
internal sealed record DeleteImage(ImageName Image) : Command;
