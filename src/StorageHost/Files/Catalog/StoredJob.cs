using System.Text.Json;
using System.Text.Json.Serialization;
using StorageHost.Images;
using StorageHost.Images.Jobs;
using StorageHost.Images.Names;

namespace StorageHost.Files.Catalog;

/// <summary>A job as a file on the volume has it.</summary>
/// <param name="Owner">The private directory of the daemon that runs it.</param>
/// <param name="Kind">What it does.</param>
/// <param name="Image">The image.</param>
/// <param name="Hostname">Whose disk it is about; null when about none.</param>
/// <param name="State">Where it stood.</param>
/// <param name="CopiesDone">What of it is whole.</param>
/// <param name="BytesDone">How many bytes are behind it.</param>
/// <param name="BytesTotal">How many there are.</param>
/// <param name="BytesPerSecond">Its mean rate.</param>
/// <param name="Error">Why it failed.</param>
/// <param name="Refusal">What it was refused for.</param>
/// <param name="Created">When it was asked for.</param>
/// <param name="Ended">When it ended.</param>
internal sealed record StoredJob(
    string Owner, JobKind Kind, string Image, string? Hostname, JobState State, int CopiesDone, long BytesDone, long BytesTotal,
    long BytesPerSecond, string? Error, Refusal? Refusal, DateTimeOffset Created, DateTimeOffset? Ended)
{
    /// <summary>Writes a job.</summary>
    public static byte[] Write(JobStatus job, string owner) => JsonSerializer.SerializeToUtf8Bytes(
        new StoredJob(
            owner, job.Kind, job.Image.Text, job.Hostname?.Text, job.State, job.CopiesDone, job.BytesDone, job.BytesTotal,
            job.BytesPerSecond, job.Error, job.Refusal, job.Created, job.Ended),
        StoredJobJson.Default.StoredJob);

    /// <summary>Reads one; null when it is none that this version understands.</summary>
    public static StoredJob? Read(ReadOnlySpan<byte> content)
    {
        try
        {
            return JsonSerializer.Deserialize(content, StoredJobJson.Default.StoredJob);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The job; null when its names are none.</summary>
    public JobStatus? Of(string id, FileNames names)
    {
        Hostname host = default;
        if (names.ParseImage(Image, out var image) is not null
            || (Hostname is not null && names.ParseHostname(Hostname, out host) is not null))
        {
            return null;
        }

        return new JobStatus(
            id, Kind, image, Hostname is null ? null : host, State, CopiesDone, CopiesDone, BytesDone, BytesTotal, BytesPerSecond, null,
            Error, null, Created, Ended)
        {
            Refusal = Refusal,
        };
    }
}

/// <summary>How jobs are written on the volume.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true, RespectRequiredConstructorParameters = true,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(StoredJob))]
internal sealed partial class StoredJobJson : JsonSerializerContext;
