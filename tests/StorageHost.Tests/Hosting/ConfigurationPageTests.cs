using System.Globalization;
using FluentValidation;
using Microsoft.Extensions.Configuration.Memory;
using StorageHost.Hosting;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Hosting;

/// <summary>Holds docs/configuration.md to the options and their rules.</summary>
public sealed class ConfigurationPageTests
{
    private static readonly IReadOnlyList<Section> Sections = new StorageHost.Hosting.Settings([new MemoryConfigurationSource()]).Sections;

    private static readonly Dictionary<string, string[]> Rows = File.ReadLines(Path.Combine(Repository.Root, "docs/configuration.md"))
        .Where(line => Sections.Any(section => line.StartsWith($"| `{section.Name}:", StringComparison.Ordinal)))
        .Select(line => line.Split('|', StringSplitOptions.TrimEntries)[1..^1]).ToDictionary(cells => cells[0].Trim('`'), StringComparer.Ordinal);

    private static readonly IReadOnlyList<string> Settings = [.. Sections.SelectMany(section => section.Settings.Select(setting => Key(section.Name, setting.Name)))];

    public static TheoryData<string> Keys => [.. Settings];

    [Fact]
    public void Every_setting_stands_on_the_page_and_no_other() => Assert.Equal(
        Settings.Order(StringComparer.Ordinal), Rows.Keys.Order(StringComparer.Ordinal), StringComparer.Ordinal);

    [Theory]
    [MemberData(nameof(Keys))]
    public void Its_default_and_whether_it_reloads_are_right(string key)
    {
        var section = Sections.Single(each => key.StartsWith(each.Name + ':', StringComparison.Ordinal));
        var setting = section.Settings.Single(each => Key(section.Name, each.Name) == key);
        var fresh = Activator.CreateInstance(section.Options.GetType())!;
        var value = setting.GetValue(fresh) is string or ValueType ? Convert.ToString(setting.GetValue(fresh), CultureInfo.InvariantCulture)! : "";

        // What is empty, or made from another setting, is told in words.
        var isWords = value.Length == 0 || key == "Storage:VolumeId";
        Assert.Equal(isWords ? Rows[key][1].Replace("`", "", StringComparison.Ordinal) : $"`{value}`", Rows[key][1]);
        Assert.Equal(Section.IsReloadable(setting) ? "reload" : "restart", Rows[key][3]);
    }

    [Theory]
    [MemberData(nameof(Keys))]
    public void What_its_rules_demand_is_told(string key)
    {
        var section = Sections.Single(each => key.StartsWith(each.Name + ':', StringComparison.Ordinal));
        var rules = typeof(AbstractValidator<>).MakeGenericType(section.Options.GetType());
        var validator = (IValidator)Activator.CreateInstance(typeof(Section).Assembly.GetTypes().Single(type => type.BaseType == rules))!;
        var demands = validator.CreateDescriptor().GetMembersWithValidators().Where(member => Key(section.Name, member.Key) == key)
            .SelectMany(member => member.Select(rule => rule.Options.GetUnformattedErrorMessage()));
        Assert.All(demands, demand => Assert.Contains(demand.Replace("must be ", "", StringComparison.Ordinal), Rows[key][2], StringComparison.OrdinalIgnoreCase));
    }

    private static string Key(string section, string setting) => $"{section}:{setting}{(setting == "ExtraVolumes" ? ":<name>" : "")}";
}
