import RegionalNode
import Testing

/// The limits of control groups, as the system tells them.
@Suite struct ControlGroupTests {
    private static func group(_ groups: String, _ mounts: String, _ files: [String: String]) -> ControlGroup {
        ControlGroup(groups: groups, mounts: mounts, read: { files[$0] })
    }

    private static let first = """
        9:name=systemd:/
        8:pids:/system.slice/keytide.service
        4:memory:/system.slice/keytide.service
        1:cpu,cpuacct:/
        0::/
        """
    private static let firstMounts = """
        30 24 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
        35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
        39 31 0:36 / /sys/fs/cgroup/pids rw,relatime shared:9 - cgroup cgroup rw,pids
        40 31 0:37 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
        """

    @Test func versionOne() {
        let memory = "/sys/fs/cgroup/memory"
        let pids = "/sys/fs/cgroup/pids"
        let files = [
            "\(memory)/memory.limit_in_bytes": "9223372036854771712\n",
            "\(memory)/system.slice/memory.limit_in_bytes": "1073741824\n",
            "\(memory)/system.slice/keytide.service/memory.limit_in_bytes": "2147483648\n",
            "\(pids)/system.slice/keytide.service/pids.max": "64\n",
            "\(pids)/system.slice/pids.max": "max\n",
        ]
        let group = Self.group(Self.first, Self.firstMounts, files)
        #expect(group.memory == 1 << 30, "the least of the group's and those above it")
        #expect(group.processes == 64)
    }

    @Test func versionTwo() {
        let mounts =
            "27 23 0:24 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot"
        let files = [
            "/sys/fs/cgroup/system.slice/keytide.service/memory.max": "max\n",
            "/sys/fs/cgroup/system.slice/memory.max": "536870912\n",
            "/sys/fs/cgroup/system.slice/keytide.service/pids.max": "4915\n",
            "/sys/fs/cgroup/system.slice/pids.max": "100\n",
        ]
        let group = Self.group("0::/system.slice/keytide.service\n", mounts, files)
        #expect(group.memory == 512 << 20)
        #expect(group.processes == 100)
    }

    @Test func aContainerSeesItsGroupAsTheRoot() {
        // The path is the host's, and what is mounted is the group itself.
        let mounts = "27 23 0:24 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory"
        let files = ["/sys/fs/cgroup/memory/memory.limit_in_bytes": "268435456"]
        #expect(Self.group("4:memory:/docker/abc", mounts, files).memory == 256 << 20)
        // Its own namespace.
        let second = "27 23 0:24 / /sys/fs/cgroup rw - cgroup2 cgroup rw"
        #expect(Self.group("0::/", second, ["/sys/fs/cgroup/memory.max": "268435456"]).memory == 256 << 20)
    }

    @Test func nothingThatIsNotThereLimitsAnything() {
        let none = Self.group("", "", [:])
        #expect(none.memory == nil && none.processes == nil)
        let odd = Self.group("x\n4:memory\n0::/../..\n::\n", "a b c\n1 2 3 / - cgroup2\n" + Self.firstMounts, [:])
        #expect(odd == none)
        let text = Self.group(Self.first, Self.firstMounts, ["/sys/fs/cgroup/memory/memory.limit_in_bytes": "many"])
        #expect(text == none)
    }
}
