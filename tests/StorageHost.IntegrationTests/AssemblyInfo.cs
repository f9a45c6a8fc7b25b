using Xunit;

// One cluster, one set of loop devices, two cores: tests that ran side by side would only measure each other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
