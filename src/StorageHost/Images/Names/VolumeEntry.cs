namespace StorageHost.Images.Names;

/// <summary>What a file name in the storage directory says that the file is. Names that say nothing to us have no entry.</summary>
internal abstract record VolumeEntry(FileName File);

/// <summary>A master image, <c>&lt;image&gt;_template.img</c>.</summary>
internal sealed record TemplateEntry(FileName File, ImageName Image) : VolumeEntry(File);

/// <summary>A ready copy, <c>&lt;image&gt;_dup_&lt;n&gt;_ready</c>.</summary>
internal sealed record CopyEntry(FileName File, ImageName Image, int Number) : VolumeEntry(File);

/// <summary>What govirt's own daemon leaves when it dies while copying, <c>&lt;image&gt;_dup_&lt;n&gt;copying</c>.</summary>
internal sealed record LeftoverEntry(FileName File, ImageName Image) : VolumeEntry(File);

/// <summary>
/// A private file of a daemon, beside the final names: <c>.storagehost.&lt;owner&gt;.…</c>; the owner is its private directory.
/// </summary>
internal sealed record PrivateEntry(FileName File, string Owner) : VolumeEntry(File);

/// <summary>A system disk, <c>&lt;hostname&gt;.qcow2</c>.</summary>
internal sealed record SystemDiskEntry(FileName File, Hostname Hostname) : VolumeEntry(File);

/// <summary>A data disk, <c>&lt;hostname&gt;_storage_&lt;size&gt;G[_&lt;k&gt;]</c>; size in GiB.</summary>
internal sealed record DataDiskEntry(FileName File, Hostname Hostname, int SizeGb) : VolumeEntry(File);
