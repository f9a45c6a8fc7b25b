using System.CommandLine;
using StorageHost.Cli.Completing;
using StorageHost.Cli.Output;

namespace StorageHost.Cli.Commands;

/// <summary><c>storagehost completion</c>: the scripts by which shells complete words.</summary>
internal static class CompletionCommand
{
    private const string Bash = $$"""
        # bash completion of storagehost: https://www.gnu.org/software/bash/manual/html_node/Programmable-Completion.html
        _storagehost() {
            local IFS=$'\n'
            COMPREPLY=($(storagehost {{Completer.Word}} "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
            if [[ ${#COMPREPLY[@]} -eq 0 ]]; then
                compopt -o default
            fi
        }
        complete -F _storagehost storagehost

        """;

    private const string Zsh = $$"""
        #compdef storagehost
        # zsh completion of storagehost
        _storagehost() {
            local -a found
            found=(${(f)"$(storagehost {{Completer.Word}} "${(@)words[2,$CURRENT]}" 2>/dev/null)"})
            if (( ${#found} )); then
                compadd -a found
            else
                _files
            fi
        }
        if [[ $funcstack[1] == _storagehost ]]; then
            _storagehost "$@"
        else
            compdef _storagehost storagehost
        fi

        """;

    private const string Fish = $$"""
        # fish completion of storagehost
        complete -c storagehost -a '(storagehost {{Completer.Word}} (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'

        """;

    private static readonly Argument<string> Shell = Named("SHELL", "bash", "zsh", "fish");

    public static Command Build() => Building.Verb("completion", "a script for a shell", RunAsync, Shell);

    private static Argument<string> Named(string name, params string[] shells)
    {
        var argument = Building.Word(name, string.Join(", ", shells));
        argument.CompletionSources.Add(shells);
        return argument;
    }

    private static Task<int> RunAsync(Session session)
    {
        Printer.Write(session[Shell] switch
        {
            "bash" => Bash,
            "zsh" => Zsh,
            "fish" => Fish,
            var other => throw new ClientException(ClientExit.Usage, $"there is no script for '{other}'; there is bash, zsh, fish"),
        });
        return Task.FromResult(ClientExit.Ok);
    }
}
