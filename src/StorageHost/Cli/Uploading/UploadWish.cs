namespace StorageHost.Cli.Uploading;

/// <summary>What is to be sent.</summary>
/// <param name="Image">The name that the template is to have.</param>
/// <param name="File">The path of the image.</param>
/// <param name="Format">The format that must be found in it; null for any.</param>
/// <param name="Replace">Whether it may take the place of a template.</param>
/// <param name="IsDry">Whether nothing is to be sent.</param>
internal sealed record UploadWish(string Image, string File, string? Format, bool Replace, bool IsDry);
