using System.Text.Json;

namespace StorageHost.Hosting;

/// <summary>
/// The operator's own files, <c>conf.d/*.json</c>: each over those before it in the order of their names, all over the file that is
/// shipped. So nobody has to edit that one, and an upgrade may replace it.
/// </summary>
/// <param name="folder">The folder; it need not be there.</param>
internal sealed class SettingsFolder(string folder) : IConfigurationSource
{
    public IConfigurationProvider Build(IConfigurationBuilder builder) => new Provider(folder);

    /// <summary>Reads the files, when it is made anew and not in between.</summary>
    private sealed class Provider(string folder) : ConfigurationProvider
    {
        /// <exception cref="InvalidDataException">A file is not JSON, or cannot be read.</exception>
        public override void Load()
        {
            var data = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
            foreach (var (key, value) in Files().SelectMany(Read).Where(entry => entry.Value is not null))
            {
                data[key] = value;
            }

            Data = data;
        }

        private string[] Files()
        {
            try
            {
                return [.. Directory.GetFiles(folder, "*.json").Where(file => Path.GetFileName(file)[0] != '.')
                    .Order(StringComparer.Ordinal)];
            }
            catch (DirectoryNotFoundException)
            {
                return [];
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                throw new InvalidDataException(FileFault.Of(folder, fault), fault);
            }
        }

        private static IEnumerable<KeyValuePair<string, string?>> Read(string file)
        {
            try
            {
                using var stream = File.OpenRead(file);
                return [.. new ConfigurationBuilder().AddJsonStream(stream).Build().AsEnumerable()];
            }
            catch (Exception fault) when (fault is FormatException or JsonException)
            {
                throw new InvalidDataException($"{file}: is not JSON as it must be", fault);
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                throw new InvalidDataException(FileFault.Of(file, fault), fault);
            }
        }
    }
}
