using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using StorageHost.Api.Disks;
using StorageHost.Api.Dispatch;
using StorageHost.Api.Errors;
using StorageHost.Api.Events;
using StorageHost.Api.Templates;
using StorageHost.ImageStorages;

namespace StorageHost.Api;

/// <summary>How answers are written: snake_case, enums as one lower-case word.</summary>
[JsonSerializable(typeof(ImagesAnswer))]
[JsonSerializable(typeof(PoolsAnswer))]
[JsonSerializable(typeof(DiskAnswer))]
[JsonSerializable(typeof(DataDiskAnswer))]
[JsonSerializable(typeof(RemovedHostAnswer))]
[JsonSerializable(typeof(RemovedDiskAnswer))]
[JsonSerializable(typeof(DisksAnswer))]
[JsonSerializable(typeof(RemovedImageAnswer))]
[JsonSerializable(typeof(TemplatesAnswer))]
[JsonSerializable(typeof(UploadsAnswer))]
[JsonSerializable(typeof(JobsAnswer))]
[JsonSerializable(typeof(HealthAnswer))]
[JsonSerializable(typeof(ImageStoragesAnswer))]
[JsonSerializable(typeof(ImageStorageInfo))]
[JsonSerializable(typeof(VolumeChange))]
[JsonSerializable(typeof(ErrorMessage))]
internal sealed partial class ApiJson : JsonSerializerContext
{
    public static void Configure(JsonSerializerOptions options)
    {
        options.TypeInfoResolverChain.Insert(0, Default);
        options.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        options.Converters.Add(new JsonStringEnumConverter(new LowerCase(), allowIntegerValues: false));

        // Answers are never embedded in HTML; the default would show each quote of a message as \u0027.
        options.Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
    }

    private sealed class LowerCase : JsonNamingPolicy
    {
        public override string ConvertName(string name) => name.ToLowerInvariant();
    }
}
