using Spectre.Console;

namespace StorageHost.Cli.Output;

/// <summary>How far something is.</summary>
/// <param name="Done">What is behind it.</param>
/// <param name="Total">All of it; 0 when nobody knows.</param>
/// <param name="Text">What is told beside the bar.</param>
internal readonly record struct Progress(long Done, long Total, string Text);

/// <summary>Shows on standard error how far something is: a bar on a terminal, else a line now and then.</summary>
internal static class Bar
{
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(10);

    /// <summary>Runs something that tells how far it is.</summary>
    /// <param name="title">What it is.</param>
    /// <param name="work">Does it; it is given the function to tell by.</param>
    public static Task<int> RunAsync(string title, Func<Action<Progress>, Task<int>> work) =>
        Console.IsErrorRedirected ? work(Lines(title, TimeProvider.System)) : DrawAsync(title, work);

    /// <summary>The rate of something and how long the rest will take, in words.</summary>
    /// <param name="done">Bytes behind it.</param>
    /// <param name="total">All bytes.</param>
    /// <param name="perSecond">The rate; 0 when nobody knows.</param>
    public static string Describe(long done, long total, long perSecond) =>
        $"{Column.Bytes(done)} of {Column.Bytes(total)}" + (perSecond <= 0 ? ""
            : $"  {Column.Bytes(perSecond)}/s  eta {Span(Math.Max(0, total - done) / perSecond)}");

    private static string Span(long seconds) =>
        seconds < 60 ? $"{seconds} s"
        : seconds < 3600 ? $"{seconds / 60} min {seconds % 60} s"
        : $"{seconds / 3600} h {seconds / 60 % 60} min";

    /// <summary>The first and what comes ten seconds after the one before; the same is never told twice.</summary>
    internal static Action<Progress> Lines(string title, TimeProvider time)
    {
        var (last, told) = ("", 0L);
        return progress =>
        {
            if (progress.Text != last && (last.Length == 0 || time.GetElapsedTime(told) >= Between))
            {
                (last, told) = (progress.Text, time.GetTimestamp());
                Printer.Say($"{title}: {progress.Text}");
            }
        };
    }

    private static Task<int> DrawAsync(string title, Func<Action<Progress>, Task<int>> work) =>
        Terminal.Open(Console.Error).Progress()
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn())
            .StartAsync(async context =>
            {
                var task = context.AddTask(Markup.Escape(title), maxValue: 1);
                return await work(progress =>
                {
                    task.Description = Markup.Escape(Column.Safe($"{title}  {progress.Text}"));
                    task.Value = progress.Total > 0 ? (double)progress.Done / progress.Total : 0;
                });
            });
}
