using FluentValidation;

namespace StorageHost.Hosting.Security;

/// <summary>What the section <c>Security</c> must hold.</summary>
internal sealed class SecurityRules : AbstractValidator<SecurityOptions>
{
    private const string PathRule = "must be an absolute path";

    public SecurityRules()
    {
        RuleFor(o => o.Certificate).Must(IsPath).WithMessage(PathRule);
        RuleFor(o => o.CertificateKey).Must(IsPath).WithMessage(PathRule);
        RuleFor(o => o.ClientCa).Must(IsPath).WithMessage(PathRule);
        RuleFor(o => o.ClientsFile).Must(IsPath).WithMessage(PathRule);
        RuleFor(o => o.TokensFile).Must(IsPath).WithMessage(PathRule);
        RuleFor(o => o.CertificateKey).NotEmpty().When(o => o.Certificate.Length > 0)
            .WithMessage("is required: the private key of Security:Certificate");
        RuleFor(o => o.Certificate).NotEmpty().When(o => o.CertificateKey.Length > 0)
            .WithMessage("is required: the certificate of Security:CertificateKey");
        RuleFor(o => o.Certificate).NotEmpty().When(o => o.ClientCa.Length > 0)
            .WithMessage("is required: without it nobody can show a client certificate");
        RuleFor(o => o.ClientsFile).NotEmpty().When(o => o.ClientCa.Length > 0)
            .WithMessage("is required: which clients with a certificate of Security:ClientCa may do what");
        RuleFor(o => o.ClientCa).NotEmpty().When(o => o.ClientsFile.Length > 0)
            .WithMessage("is required: the authorities that vouch for the clients of Security:ClientsFile");
        RuleFor(o => o.MaxConnections).InclusiveBetween(10, 100_000).WithMessage("must be 10 to 100000");
        RuleFor(o => o.SocketMode).Matches("^0?[0-7]{3}\\z").WithMessage("must be an octal mode such as 0660");
    }

    private static bool IsPath(string path) => path.Length == 0 || path.StartsWith('/');
}
