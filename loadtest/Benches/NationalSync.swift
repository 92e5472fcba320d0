import ExposureKeys
import FeedFormat
import FeedStore
import Foundation
import Glibc
import RegionalNode

/// A node with a country's new keys, and phones that fetch them: the shipping program against the shipping program.
struct NationalSync {
    private let directory: String
    private let port: Int
    private let cores: ServerCores

    /// What one run of the program took.
    struct Cost {
        /// Wall time, from the start of the process to its end.
        let seconds: Double
        /// Of all threads, in user and kernel mode.
        let processorSeconds: Double
        /// The most that was resident at any time, bytes.
        let memory: Double
    }

    /// - Parameters:
    ///   - directory: an empty one.
    ///   - keys: to be in the node's feed, of whole days of the last fortnight.
    init(in directory: String, keys: Int) throws {
        self.directory = directory
        cores = try ServerCores()
        port = try Ports.free()
        let create = [
            "cluster", "create", "--directory", directory + "/cluster", "--regions", ServedSite.region, "--base-port",
            String(port), "--publication-slot", "3600",
        ]
        try Command.run([try Command.keytide()] + create)
        try publish(keys)
    }

    private func publish(_ count: Int) throws {
        let keyText = try String(contentsOfFile: "\(directory)/cluster/\(ServedSite.region).key", encoding: .utf8)
        guard let region = Region(ServedSite.region),
            let signer = NoteSigner(keyText.trimmingCharacters(in: .whitespacesAndNewlines))
        else { throw BenchError("keytide cluster create left no signing key in \(directory)") }
        let path = "\(directory)/cluster/\(ServedSite.region).store"
        let store = try SQLiteFeedStore(path: path)
        let held = try HeldKeyStore(path: HeldKeyStore.path(besideStore: path))
        let publisher = RegionPublisher(region: region, signer: signer, clock: NodeClock(asOf: nil))
        var random = SystemRandomNumberGenerator()
        // Days in UTC that have ended, each key a whole one of the last thirteen but the last.
        let today = Interval(unixSeconds: Int64(Date().timeIntervalSince1970)).number / 144
        let keys = try (0..<count).map { place in
            // A key is published from two hours after its end on.
            let day = today - 2 - UInt32(place % 12)
            guard
                let metadata = KeyMetadata(
                    rollingStart: Interval(day * 144),
                    rollingPeriod: 144,
                    reportType: .confirmed
                )
            else { throw BenchError("no metadata for a key of day \(day)") }
            return DiagnosisKey(data: KeyData(high: random.next(), low: random.next()), metadata: metadata)
        }
        let publication = try publisher.publish(keys, storage: store, held: held, living: [])
        let published = publication.selection.news.count
        guard published == count else { throw BenchError("\(published) keys were published") }
        try held.close()
        try store.close()
    }

    func start() throws -> ServerProcess {
        let server = try ServerProcess(
            [try Command.keytide(), "node", "--config", "\(directory)/cluster/\(ServedSite.region).json"],
            core: cores.server,
            port: port,
            log: "\(directory)/node.log"
        )
        try server.waitUntilReady(seconds: 120)
        return server
    }

    /// Takes sightings in, before anything is fetched.
    func meet(_ encounters: Int, phone: String) throws {
        var random = SystemRandomNumberGenerator()
        let now = Int64(Date().timeIntervalSince1970)
        let lines = (0..<encounters).map { _ in
            let identifier = String(format: "%016lx%016lx", random.next() as UInt64, random.next() as UInt64)
            return "\(now - Int64.random(in: 0..<14 * 86_400, using: &random)),\(identifier),60"
        }
        let file = "\(directory)/seen.csv"
        try Data((["time,identifier,attenuation"] + lines).joined(separator: "\n").utf8)
            .write(to: URL(fileURLWithPath: file))
        try Command.run([try Command.keytide(), "device", "encounters", "import", "--store", phone, file])
    }

    /// One sync, by a process confined to the core that is not the node's.
    func sync(phone: String) throws -> Cost {
        let command = [
            "/usr/bin/taskset", "-c", String(cores.client), try Command.keytide(), "device", "sync", "--json",
            "--store", phone, "--node", "https://127.0.0.1:\(port)", "--ca", "\(directory)/cluster/tls.pem",
            "--authorities", "\(directory)/cluster/authorities", "--witnesses", "0",
        ]
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(
            &actions,
            STDOUT_FILENO,
            "\(directory)/sync.json",
            O_WRONLY | O_CREAT | O_TRUNC,
            0o600
        )
        var arguments = command.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var process: pid_t = 0
        let began = ContinuousClock.now
        guard posix_spawn(&process, command[0], &actions, nil, &arguments, environ) == 0 else {
            throw BenchError("keytide device sync cannot be started")
        }
        var status: Int32 = 0
        var usage = rusage()
        var memory = 0.0
        // What the system says at the end includes the parent's peak, so the process is asked until it ends. The last answer
        // counts: before it has become the program it shares the parent's memory.
        while wait4(process, &status, WNOHANG, &usage) == 0 {
            memory = NationalSync.peak(of: process) ?? memory
            usleep(1000)
        }
        guard status == 0 else {
            throw BenchError("keytide device sync ended with status \(status >> 8); see \(directory)/sync.json")
        }
        return Cost(
            seconds: Rounds.seconds(since: began),
            processorSeconds: NationalSync.seconds(usage.ru_utime) + NationalSync.seconds(usage.ru_stime),
            memory: memory
        )
    }

    /// The most that was resident at any time (VmHWM), in bytes; nil when the process is ending.
    private static func peak(of process: pid_t) -> Double? {
        guard let text = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") })
        else { return nil }
        return line.split(separator: " ").dropFirst().first.flatMap { Double($0) }.map { $0 * 1024 }
    }

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
}
