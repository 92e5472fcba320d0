import Foundation
import RegionalNode
import Testing
import TestSupport

/// A node that the system lets have less than it could use: it says so, or does with less.
@Suite(.serialized, .timeLimit(.minutes(3))) struct ResourceTests {
    /// Connections that are held open by a program of their own: `connections` to the public listener of a node, from several
    /// addresses of this host, each with a finished handshake.
    private static let phones = """
        import socket, ssl, sys, time
        c = ssl.create_default_context(); c.check_hostname = False; c.verify_mode = ssl.CERT_NONE
        c.set_alpn_protocols(['h2'])
        held = []
        for i in range(int(sys.argv[2])):
            s = socket.socket(); s.settimeout(float(sys.argv[3])); s.bind((f'127.0.0.{2 + i % 8}', 0))
            try:
                s.connect(('127.0.0.1', int(sys.argv[1]))); s = c.wrap_socket(s)
                s.send(b'PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n' + b'\\0\\0\\0\\4\\0\\0\\0\\0\\0')
            except OSError: pass
            held.append(s)
        print('held', flush=True)
        time.sleep(60)
        """

    private func hold(_ count: Int, patience: Double = 5, _ cluster: Cluster) async throws -> Child {
        let script = try cluster.scratch.write(Self.phones.utf8, "phones.py")
        let command = ["/usr/bin/python3", script, "\(cluster.basePort)", "\(count)", "\(patience)"]
        let child = try Child(command, in: cluster.scratch)
        guard try await eventually(seconds: 40, { child.output.contains("held") }) else {
            child.kill()
            throw TestFailure("the phones did not connect: \(child.errors)")
        }
        return child
    }

    private func healthz(_ cluster: Cluster) async throws -> String {
        let url = "https://127.0.0.1:\(cluster.basePort)/healthz"
        let command = ["/usr/bin/curl", "-m", "5", "-sk", "-o", "/dev/null", "-w", "%{http_code}", url]
        let curl = try Child(command, in: cluster.scratch)
        defer { curl.kill() }
        _ = try await curl.end(within: 10)
        return curl.output
    }

    private func metric(_ name: String, _ cluster: Cluster) async throws -> Double? {
        let url = "http://127.0.0.1:\(cluster.basePort + 2 * cluster.regions.count)/metrics"
        let curl = try Child(["/usr/bin/curl", "-m", "5", "-s", url], in: cluster.scratch)
        defer { curl.kill() }
        _ = try await curl.end(within: 10)
        let line = curl.output.split(separator: "\n").first { $0.hasPrefix(name + " ") }
        return line.flatMap { Double($0.dropFirst(name.count + 1)) }
    }

    /// Seconds of processor time.
    private func processorTime(_ cluster: Cluster) throws -> Double {
        let text = try String(contentsOfFile: "/proc/\(cluster.node("VN-01").identifier)/stat", encoding: .utf8)
        let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else {
            throw TestFailure("no processor time in \(text)")
        }
        return (user + system) / 100
    }

    private func limited(_ limits: String) -> [String] { ["/bin/sh", "-c", "\(limits); exec \"$@\"", "sh"] }

    /// Starts a node that must not start.
    private func refusal(_ limits: String, _ cluster: Cluster, wrapper: [String] = []) async throws -> String {
        do {
            try await cluster.start("VN-01", under: limited(limits) + wrapper)
            throw TestFailure("a node started under \(limits)")
        } catch let failure as TestFailure {
            return "\(failure)"
        }
    }

    // MARK: Open files

    @Test func theSoftLimitIsRaised() async throws {
        try await Cluster.with("VN-01") { cluster in
            try await cluster.start("VN-01", under: limited("ulimit -Sn 256"))
            let phones = try await hold(400, cluster)
            defer { phones.kill() }
            #expect(try await healthz(cluster) == "200")
            #expect(try await metric("keytide_public_connections", cluster) == 400)
            #expect(try #require(await metric("process_max_fds", cluster)) > 256)
            #expect(try cluster.node("VN-01").errors.contains("what this node may use"))
        }
    }

    @Test func withFewFilesPhonesTakeTurnsAndTheOperatorGetsIn() async throws {
        try await Cluster.with("VN-01") { cluster in
            try await cluster.start("VN-01", under: limited("ulimit -n 256"))
            let places = try #require(await metric("keytide_public_connection_places", cluster))
            #expect((100...200).contains(places))
            let phones = try await hold(300, cluster)
            defer { phones.kill() }
            let began = try processorTime(cluster)
            #expect(try await healthz(cluster) == "200")
            #expect(try #require(await metric("keytide_limit_waiting_connections_total", cluster)) > 50)
            let alarms = try await cluster.status("VN-01").alarms.map(\.what)
            #expect(alarms.contains { $0.contains("all places for connections to listen.public") }, "\(alarms)")
            try await Task.sleep(for: .seconds(2))
            #expect(try processorTime(cluster) - began < 1)
            phones.kill()
            let isOver = try await eventually(seconds: 40) {
                try await cluster.status("VN-01").alarms.allSatisfy { $0.ended != nil }
            }
            #expect(isOver, "the alarm does not end")
            let lines = try cluster.node("VN-01").errors.split(separator: "\n").filter {
                $0.contains("all places") && !$0.contains("an alarm is over")
            }
            #expect(lines.count == 1, "\(lines)")
        }
    }

    @Test func withoutFilesAcceptingPausesUntilThereAreSome() async throws {
        try await Cluster.with("VN-01") { cluster in
            try await cluster.start("VN-01")
            let node = try cluster.node("VN-01")
            func limit(_ files: String) async throws {
                let child = try Child(
                    ["/usr/bin/prlimit", "--pid", "\(node.identifier)", "--nofile=\(files)"],
                    in: cluster.scratch
                )
                defer { child.kill() }
                #expect(try await child.end(within: 10) == 0)
            }
            let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(node.identifier)/fd").count
            try await limit("\(open + 10):4096")
            let phones = try await hold(20, patience: 0.5, cluster)
            defer { phones.kill() }
            let began = try processorTime(cluster)
            try await Task.sleep(for: .seconds(3))
            #expect(try processorTime(cluster) - began < 0.5, "it does not turn in circles")
            phones.kill()
            // Those that are gone make room, also for the operator.
            let isTold = try await eventually {
                try await cluster.status("VN-01").alarms.contains { $0.what.contains("no file was left") }
            }
            #expect(isTold)
            #expect(try #require(await metric("keytide_limit_open_files_total", cluster)) >= 1)
            try await limit("1024:4096")
            #expect(try await healthz(cluster) == "200")
            let isOver = try await eventually(seconds: 40) {
                try await cluster.status("VN-01").alarms.allSatisfy { $0.ended != nil }
            }
            #expect(isOver, "the alarm does not end")
        }
    }

    // MARK: Refusals at the start

    @Test(
        arguments: [
            ("ulimit -n 100", "LimitNOFILE="), ("ulimit -n 40", "LimitNOFILE="), ("ulimit -v 700000", "LimitAS="),
            ("ulimit -d 100000", "LimitDATA="),
        ]
    )
    func aNodeThatCouldNotLiveDoesNotStart(limits: String, name: String) async throws {
        try await Cluster.with("VN-01") { cluster in
            let text = try await refusal(limits, cluster)
            #expect(text.contains(name), "\(text)")
            #expect(text.split(separator: "\n").count <= 2, "\(text)")
        }
    }

    @Test func aSmallLimitOfFileSizeIsTheStoresTrouble() async throws {
        try await Cluster.with("VN-01") { cluster in
            // Blocks of 512 bytes, in this shell.
            let text = try await refusal("ulimit -f 8", cluster)
            #expect(text.contains("free space on its disk or raise the limit"), "\(text)")
        }
    }

    @Test(.enabled(if: getuid() == 0, "another user needs root"))
    func tooFewThreadsOfTheUser() async throws {
        try await Cluster.with("VN-01") { cluster in
            let user = [
                "/usr/bin/prlimit", "--nproc=6:6", "/usr/bin/setpriv", "--reuid", "64123", "--regid", "64123",
                "--clear-groups",
            ]
            // What the node reads and writes is this user's, and the program must be reachable for it.
            let own = try Child(["/bin/chown", "-R", "64123", cluster.scratch.path], in: cluster.scratch)
            defer { own.kill() }
            #expect(try await own.end(within: 10) == 0)
            let text = try await refusal("true", cluster, wrapper: user)
            #expect(text.contains("LimitNPROC= of its user is 6"), "\(text)")
        }
    }

    // MARK: Ports and quotas

    /// Runs a shell script in a network of its own, in which one port can be used for connections going out.
    private func withOnePort(_ script: String, _ cluster: Cluster) async throws -> Keytide.Outcome {
        let begin = "ip link set lo up; echo '40000 40000' > /proc/sys/net/ipv4/ip_local_port_range"
        let command = ["/usr/bin/unshare", "--net", "/bin/sh", "-c", "\(begin); \(script)"]
        let child = try Child(command, in: cluster.scratch)
        defer { child.kill() }
        let status = try #require(try await child.end(within: 30), "the script did not end")
        return Keytide.Outcome(status: status, output: child.output, errors: child.errors)
    }

    @Test(.enabled(if: getuid() == 0, "a network of its own needs root"))
    func withoutAFreePortTheWordsSaySo() async throws {
        try await Cluster.with("VN-01") { cluster in
            let holder = """
                import socket, time
                listener = socket.create_server(('127.0.0.1', 39999)); s = socket.create_connection(('127.0.0.1', 39999))
                print('held', flush=True); time.sleep(20)
                """
            let path = try cluster.scratch.write(holder.utf8, "holder.py")
            let sync =
                "\(Keytide.executable) device sync --store \(cluster.scratch.file("p")) --node https://127.0.0.1:39999 "
                + "--ca \(cluster.path("tls.pem")) --authorities \(cluster.path("authorities"))"
            let phone = try await withOnePort(
                "python3 \(path) & sleep 1; \(sync); status=$?; kill $!; exit $status",
                cluster
            )
            #expect(phone.status == 1 || phone.status == 3)
            #expect((phone.output + phone.errors).contains("no free port for another connection"), "\(phone)")
            // The same of a listener that takes any port.
            let node = "\(Keytide.executable) node --config \(cluster.path("VN-01.json")) --listen-public 127.0.0.1:0"
            let listening = try await withOnePort(
                "python3 \(path) & sleep 1; \(node); status=$?; kill $!; exit $status",
                cluster
            )
            #expect(listening.status == 1)
            #expect(listening.errors.contains("there is no free port for 127.0.0.1:0"), "\(listening)")
        }
    }

    /// Lets writes fail as they do beyond a quota, while a file says so.
    private static let quota = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <errno.h>
        #include <stdlib.h>
        #include <sys/types.h>
        #include <unistd.h>
        static int exceeded(void) { return access(getenv("QUOTA_EXCEEDED"), F_OK) == 0; }
        ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t place) {
            static ssize_t (*next)(int, const void *, size_t, off64_t);
            if (!next) next = dlsym(RTLD_NEXT, "pwrite64");
            if (exceeded()) { errno = EDQUOT; return -1; }
            return next(fd, bytes, count, place);
        }
        """

    @Test func beyondAQuotaTheNodeIsReadOnlyAndGoesOnByItself() async throws {
        try await Cluster.with("VN-01") { cluster in
            let source = try cluster.scratch.write(Self.quota.utf8, "quota.c")
            let library = cluster.scratch.file("quota.so")
            let command = "clang -shared -fPIC -o \(library) \(source) -ldl"
            let compiler = try Child(["/bin/sh", "-c", command], in: cluster.scratch)
            defer { compiler.kill() }
            #expect(try await compiler.end(within: 30) == 0, "\(compiler.errors)")
            let flag = cluster.scratch.file("exceeded")
            try await cluster.start(
                "VN-01",
                under: ["/usr/bin/env", "LD_PRELOAD=\(library)", "QUOTA_EXCEEDED=\(flag)"]
            )
            let archive = try cluster.archives.make("a.zip", patients: 50)
            try cluster.scratch.write([], "exceeded")
            let refused = try await cluster.import("VN-01", archive.path)
            #expect(refused.outcome.status == 1)
            #expect(refused.reports.first?.error?.contains("raise the limit that applies") == true, "\(refused)")
            let alarms = try await cluster.status("VN-01").alarms
            #expect(alarms.map(\.ended) == [nil] && alarms[0].what.contains("does not take batches"), "\(alarms)")
            try FileManager.default.removeItem(atPath: flag)
            let isOver = try await eventually {
                try await cluster.status("VN-01").alarms.allSatisfy { $0.ended != nil }
            }
            #expect(isOver)
            let published = try await cluster.import("VN-01", archive.path).reports.first?.report?.published
            #expect(published == archive.keys.count)
        }
    }

    // MARK: Control groups

    @Test(.enabled(if: MadeGroup.isPossible, MadeGroup.otherwise))
    func tooFewProcessesOfTheGroup() async throws {
        try await Cluster.with("VN-01") { cluster in
            let group = try #require(MadeGroup("pids", "pids.max", "8"))
            let text = try await refusal(group.entry, cluster)
            #expect(text.contains("TasksMax="), "\(text)")
            #expect(text.contains("is 8"), "\(text)")
            try await group.remove()
        }
    }

    @Test(.enabled(if: MadeGroup.isPossible, MadeGroup.otherwise))
    func tooLittleMemoryOfTheGroup() async throws {
        try await Cluster.with("VN-01") { cluster in
            let group = try #require(MadeGroup("memory", "memory.limit_in_bytes", "100M"))
            let text = try await refusal(group.entry, cluster)
            #expect(text.contains("MemoryMax="), "\(text)")
            try await group.remove()
        }
    }

    /// What an import sets aside is at least what it takes: into an empty node, and beside what it holds then.
    @Test func anImportTakesNoMoreThanItSetsAside() async throws {
        try await Cluster.with("VN-01") { cluster in
            try await cluster.start("VN-01")
            var held = 0
            for number in 0..<3 {
                let archive = try cluster.archives.make("\(number).zip", patients: 26_000)
                let bytes = try Data(contentsOf: URL(fileURLWithPath: archive.path)).count
                try cluster.forgetPeak(of: "VN-01")
                let before = try cluster.residentMiB("VN-01")
                let report = try #require(await cluster.import("VN-01", archive.path).reports.first?.report)
                let taken = try cluster.peakMiB("VN-01") - before
                #expect(report.published > 100_000)
                let setAside = ((8 << 20) + 10 * bytes + 40 * held) >> 20
                #expect(taken > 10 && taken <= setAside, "\(bytes) bytes, \(taken) of \(setAside) MiB")
                held += report.published
            }
        }
    }

    @Test(.enabled(if: MadeGroup.isPossible, MadeGroup.otherwise))
    func anImportThatDoesNotFitIsRefusedAndTheNodeLives() async throws {
        try await Cluster.with("VN-01") { cluster in
            let group = try #require(MadeGroup("memory", "memory.limit_in_bytes", "200M"))
            try await cluster.start("VN-01", under: limited(group.entry))
            #expect(try cluster.node("VN-01").errors.contains("memoryMiB=100"))
            let large = try cluster.archives.make("large.zip", patients: 60_000)
            let refused = try await cluster.import("VN-01", large.path)
            #expect(refused.outcome.status == 1)
            #expect(refused.reports.first?.error?.contains("setting 'memory'") == true, "\(refused.outcome)")
            let small = try cluster.archives.make("small.zip", patients: 1000)
            #expect(try await cluster.import("VN-01", small.path).reports.first?.report?.published == small.keys.count)
            #expect(try await cluster.stop("VN-01") == 0)
            try await group.remove()
        }
    }
}
