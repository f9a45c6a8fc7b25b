using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using Xunit;

namespace StorageHost.Tests.Files.Posix;

/// <summary>Locks belong to open files: a second opening of the same file is somebody else.</summary>
public sealed class OfdLocksTests : IDisposable
{
    private readonly Store store = new();
    private readonly DirectoryHandle mount;

    public OfdLocksTests()
    {
        mount = store.Open();
        store.Write("disk", 1);
    }

    public void Dispose()
    {
        mount.Dispose();
        store.Dispose();
    }

    [Fact]
    public void A_lock_is_one_open_files_until_it_is_closed()
    {
        using var other = mount.Open("disk", Syscalls.ReadWrite);
        using (var holder = mount.Open("disk", Syscalls.ReadWrite))
        {
            Assert.True(mount.Locks.TryLock(holder, "disk"));
            Assert.True(mount.Locks.TryLock(holder, "disk"));
            Assert.False(mount.Locks.TryLock(other, "disk"));
            Assert.True(OfdLocks.IsLockedByOthers(other, "disk"));
            Assert.False(OfdLocks.IsLockedByOthers(holder, "disk"));
        }

        Assert.False(OfdLocks.IsLockedByOthers(other, "disk"));
        Assert.True(mount.Locks.TryLock(other, "disk"));
    }

    [Fact]
    public void Locks_are_set_in_turn_and_nobody_waits_for_ever()
    {
        var locks = new OfdLocks(TimeSpan.FromMilliseconds(50));
        using var file = mount.Open("disk", Syscalls.ReadWrite);
        Exception? fault = null;
        var other = new Thread(() => fault = Record.Exception(() => locks.TryLock(file, "disk")));
        using (locks.Turn.EnterScope())
        {
            other.Start();
            other.Join();
        }

        Assert.Equal(Errno.TimedOut, Assert.IsType<StorageException>(fault).Errno);
        Assert.True(locks.TryLock(file, "disk"));
    }

    [Theory]
    [InlineData(100)]
    [InlineData(103)]
    [InlineData(0)]
    [InlineData(5000)]
    public void A_file_that_any_other_program_has_locked_is_in_use(long start)
    {
        using var program = mount.Open("disk", Syscalls.ReadWrite);
        NativeCalls.LockShared(program, start);
        using var asker = mount.Open("disk");
        Assert.False(mount.Locks.TryKeepQemuOut(asker, "disk"));
    }

    [Fact]
    public void An_image_that_qemu_has_open_is_in_use_until_it_is_closed()
    {
        using var asker = mount.Open("disk");
        using (NativeCalls.OpenAsQemu(store["disk"]))
        {
            Assert.False(mount.Locks.TryKeepQemuOut(asker, "disk"));
        }

        Assert.True(mount.Locks.TryKeepQemuOut(asker, "disk"));
    }

    [Fact]
    public void While_qemu_is_kept_out_it_cannot_say_that_nobody_else_may_write()
    {
        using var keeper = mount.Open("disk");
        Assert.True(mount.Locks.TryKeepQemuOut(keeper, "disk"));
        using var program = mount.Open("disk", Syscalls.ReadWrite);
        Assert.True(OfdLocks.IsLockedByOthers(program, "disk"));
        var exclusive = new FileLock { Type = Syscalls.WriteLock, Start = 201, Length = 1 };
        Assert.NotEqual(0, Syscalls.Lock(program, Syscalls.OfdSetLock, ref exclusive));
    }

    [Fact]
    public void Two_who_keep_qemu_out_do_not_take_each_other_for_one()
    {
        using var one = mount.Open("disk");
        using var other = mount.Open("disk");
        Assert.True(mount.Locks.TryKeepQemuOut(one, "disk"));
        Assert.True(mount.Locks.TryKeepQemuOut(other, "disk"));
    }

    [Fact]
    public void A_deletion_is_told_from_qemu_and_from_whoever_keeps_only_qemu_out()
    {
        using var asker = mount.Open("disk");
        Assert.False(OfdLocks.IsBeingDeleted(asker, "disk"));
        using (NativeCalls.OpenAsQemu(store["disk"]))
        {
            Assert.False(OfdLocks.IsBeingDeleted(asker, "disk"));
        }

        using (var keeper = mount.Open("disk"))
        {
            Assert.True(mount.Locks.TryKeepQemuOut(keeper, "disk"));
            Assert.False(OfdLocks.IsBeingDeleted(asker, "disk"));
        }

        using var deleter = mount.Open("disk", Syscalls.ReadWrite);
        Assert.True(mount.Locks.TryKeepAllOut(deleter, "disk"));
        Assert.True(OfdLocks.IsBeingDeleted(asker, "disk"));
    }

    [Fact]
    public void A_failure_is_not_taken_for_a_lock()
    {
        using var reader = mount.Open("disk");
        Assert.Equal(9, Assert.Throws<StorageException>(() => mount.Locks.TryLock(reader, "disk")).Errno);
    }

    [Fact]
    public void A_lock_file_is_one_holders()
    {
        using var first = LockFile.TryAcquire(mount, "lock");
        Assert.NotNull(first);
        Assert.Null(LockFile.TryAcquire(mount, "lock"));
        first.Dispose();
        using var second = LockFile.TryAcquire(mount, "lock");
        Assert.NotNull(second);
    }

    [Fact]
    public void A_lock_file_that_its_holder_removed_locks_nobody_out()
    {
        using var first = LockFile.TryAcquire(mount, "lock");
        mount.TryUnlink("lock");
        using var second = LockFile.TryAcquire(mount, "lock");
        Assert.NotNull(second);
        Assert.Null(LockFile.TryAcquire(mount, "lock"));
    }

    [Fact]
    public void A_lock_file_that_was_removed_since_it_was_opened_cannot_be_held()
    {
        using var late = mount.Open("lock", Syscalls.ReadWrite | Syscalls.Create, 0x180);
        mount.TryUnlink("lock");
        Assert.False(LockFile.TryHold(mount, late, "lock"));
        using var holder = LockFile.TryAcquire(mount, "lock");
        Assert.NotNull(holder);
        Assert.False(LockFile.TryHold(mount, late, "lock"));
    }

    [Fact]
    public void A_lock_file_without_its_directory_cannot_be_had()
    {
        Assert.Null(LockFile.TryAcquire(mount, "absent/lock"));
        Assert.Throws<StorageException>(() => LockFile.TryAcquire(mount, "disk/lock"));
    }
}
