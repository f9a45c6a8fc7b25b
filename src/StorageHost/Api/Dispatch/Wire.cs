namespace StorageHost.Api.Dispatch;

/// <summary>The words of the payloads on <c>/</c>: members, and the fields that faults name.</summary>
internal static class Wire
{
    public const string Action = "action";
    public const string Target = "target";
    public const string Purge = "purge";
    public const string CreateVmForm = "createvmform";
    public const string DuplicateInfo = "duplicateinfo";
    public const string StorageInfo = "storageinfo";
    public const string Image = "image";
    public const string Hostname = "hostname";
    public const string Size = "size";

    public const string Images = "images";
    public const string Dup = "dup";
    public const string SetImage = "setimage";
    public const string AddStorage = "addstorage";
    public const string Host = "host";
    public const string Disk = "disk";
}
