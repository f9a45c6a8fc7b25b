namespace StorageHost.IntegrationTests.Contract;

/// <summary>What the controller sends, byte for byte, and what it must be answered.</summary>
/// <param name="Method">The verb.</param>
/// <param name="Body">The body. Its Go client marshals the whole struct, whatever the action.</param>
/// <param name="Status">Only 200 is success to it.</param>
/// <param name="Answer">The members that the answer must have, with these values.</param>
/// <param name="After">How many copies the pool of centos must hold before it is sent.</param>
internal sealed record ControllerVector(string Method, string Body, int Status, string Answer, int? After = null)
{
    /// <summary>The life of a VM, in the order in which it is sent.</summary>
    public static IReadOnlyList<ControllerVector> All { get; } =
    [
        new("GET", """{"Target":"images"}""", 200, """{"images":["centos"]}"""),
        new("GET", """{"Target":"vms"}""", 400, """{"status":"error","code":"unknown_target"}"""),
        new(
            "POST",
            """{"domain":"","action":"dup","duplicateinfo":{"centos":2},"xml":null,"netinfo":{"subnet":"","netmask":"","gateway":"","dns":null},"storageinfo":{"hostname":"","size":0},"createvmform":{"hostname":"","mac":"","uuid":"","ip":"","cpucount":0,"memorycount":0,"image":"","xml":null,"leasetime":0,"vlan":""}}""",
            200,
            """{"pools":[{"image":"centos","wanted":2}]}"""),
        new(
            "POST",
            """{"domain":"govirt01","action":"setimage","duplicateinfo":null,"xml":null,"netinfo":{"subnet":"","netmask":"","gateway":"","dns":null},"storageinfo":{"hostname":"","size":0},"createvmform":{"hostname":"web01","mac":"","uuid":"","ip":"","cpucount":0,"memorycount":0,"image":"centos","xml":null,"leasetime":0,"vlan":""}}""",
            200,
            """{"hostname":"web01","image":"centos","disk":"web01.qcow2","source":"pool"}""",
            After: 2),
        new(
            "POST",
            """{"domain":"govirt01","action":"setimage","duplicateinfo":null,"xml":null,"netinfo":{"subnet":"10.0.0.0","netmask":"255.255.255.0","gateway":"10.0.0.1","dns":["10.0.0.1"]},"storageinfo":{"hostname":"","size":0},"createvmform":{"hostname":"web01","mac":"52:54:00:00:00:01","uuid":"9b6f1c1e-52f6-4b0c-8a9c-0d3f7a1f2b11","ip":"10.0.0.9","cpucount":2,"memorycount":2048,"image":"centos","xml":null,"leasetime":3600,"vlan":"100"}}""",
            409,
            """{"status":"error","code":"host_exists"}"""),
        new(
            "POST",
            """{"domain":"govirt01","action":"addstorage","duplicateinfo":null,"xml":null,"netinfo":{"subnet":"","netmask":"","gateway":"","dns":null},"storageinfo":{"hostname":"web01","size":5},"createvmform":{"hostname":"","mac":"","uuid":"","ip":"","cpucount":0,"memorycount":0,"image":"","xml":null,"leasetime":0,"vlan":""}}""",
            200,
            """{"hostname":"web01","disk":"web01_storage_5G","size_gb":5}"""),
        new(
            "POST",
            """{"domain":"govirt01","action":"addstorage","duplicateinfo":null,"xml":null,"netinfo":{"subnet":"","netmask":"","gateway":"","dns":null},"storageinfo":{"hostname":"web01","size":5},"createvmform":{"hostname":"web01","mac":"","uuid":"","ip":"","cpucount":0,"memorycount":0,"image":"centos","xml":null,"leasetime":0,"vlan":""}}""",
            200,
            """{"hostname":"web01","disk":"web01_storage_5G_1","size_gb":5}"""),
        new(
            "POST",
            """{"domain":"govirt01","action":"start","duplicateinfo":null,"xml":null,"netinfo":{"subnet":"","netmask":"","gateway":"","dns":null},"storageinfo":{"hostname":"","size":0},"createvmform":{"hostname":"web01","mac":"","uuid":"","ip":"","cpucount":0,"memorycount":0,"image":"","xml":null,"leasetime":0,"vlan":""}}""",
            400,
            """{"status":"error","code":"unknown_action"}"""),
        new("DELETE", """{"action":"host","target":"web01"}""", 200, """{"hostname":"web01","removed":["web01.qcow2"],"kept":["web01_storage_5G","web01_storage_5G_1"]}"""),
        new("DELETE", """{"action":"host","target":"web01"}""", 404, """{"status":"error","code":"host_not_found"}"""),
        new("DELETE", """{"action":"image","target":"cent"}""", 404, """{"status":"error","code":"image_not_found"}"""),
        new("DELETE", """{"action":"image","target":"centos"}""", 200, """{"image":"centos"}""", After: 2),
        new("GET", """{"Target":"images"}""", 200, """{"images":[]}"""),
    ];
}
