namespace StorageHost.Api.Errors;

/// <summary>Why somebody who tried to show who it is was not believed, for the answer.</summary>
/// <param name="Message">What was wrong and what would be right.</param>
internal sealed record FailedProof(string Message);
