import ExposureKeys
import Logging
import RegionalNode
import Synchronization
import Testing

@Suite struct PeerLogTests {
    /// Keeps what is written: the text, then the metadata by name.
    private final class Pen: Sendable {
        let lines = Mutex<[String]>([])
        let floods = Mutex<[String]>([])
        let time = Mutex<Int64>(0)
    }

    private struct Handler: LogHandler {
        let pen: Pen
        var logLevel = Logger.Level.info
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let details = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            pen.lines.withLock { $0.append(([event.message.description] + details).joined(separator: " ")) }
        }
    }

    private let pen = Pen()
    private let log: PeerLog
    private let one: Region
    private let other: Region

    init() throws {
        let pen = pen
        let logger = Logger(label: "test") { _ in Handler(pen: pen) }
        log = PeerLog(logger: logger, monotonic: { pen.time.withLock { $0 } }) { line, peer in
            pen.floods.withLock { $0.append("\(line.rawValue) \(peer.map { "\($0)" } ?? "-")") }
        }
        one = try #require(Region("VN-01"))
        other = try #require(Region("VN-48"))
    }

    private var lines: [String] { pen.lines.withLock { $0 } }

    /// The list of kinds is the only way to write such a line, so this goes over all that there can be.
    @Test(arguments: PeerLog.Line.allCases) func eachKindNamesItsRegionAndIsBounded(_ line: PeerLog.Line) {
        for number in 0..<5000 { log.write(line, of: one, ["why": "reason \(number)"], level: .warning) }
        #expect(lines.count == line.perMinute)
        #expect(lines.allSatisfy { $0.hasPrefix("\(line.rawValue) peer=VN-01 why=") })
        #expect(pen.floods.withLock { $0 } == ["\(line.rawValue) VN-01"])
        // Another region, and another kind of line, have places of their own.
        log.write(line, of: other)
        #expect(lines.last == "\(line.rawValue) peer=VN-48")
        let next = PeerLog.Line.allCases.first { $0 != line } ?? line
        log.write(next, of: one)
        #expect(lines.last == "\(next.rawValue) peer=VN-01")
        // In the next minute it goes on, and says how many there were.
        pen.time.withLock { $0 = 60_000 }
        log.write(line, of: one)
        #expect(lines.last == "\(line.rawValue) passed over=\(5000 - line.perMinute) peer=VN-01")
        log.write(line, of: one)
        #expect(lines.last == "\(line.rawValue) peer=VN-01")
    }

    @Test func whoIsUnknownHasOnePlace() {
        for _ in 0..<100 { log.write(.linkRefused, of: nil, level: .notice) }
        #expect(lines.count == 6 && lines.allSatisfy { $0.contains("peer=unknown") })
        #expect(pen.floods.withLock { $0 } == ["link refused -"])
    }

    /// What is not written anyway takes nobody's place and is no flood.
    @Test func whatIsBelowTheLevelIsNotCounted() {
        for _ in 0..<100 { log.write(.linkDown, of: one, level: .debug) }
        #expect(lines.isEmpty && pen.floods.withLock { $0.isEmpty })
        log.write(.linkDown, of: one)
        #expect(lines.count == 1)
    }

    @Test func manyRegionsTakeABoundedPlace() throws {
        for number in 0..<70_000 {
            let region = try #require(Region("X-\(number)"))
            log.write(.linkClosed, of: region)
        }
        #expect(lines.count == 65_536)
        // They are forgotten after their minute.
        pen.time.withLock { $0 = 60_000 }
        log.write(.linkClosed, of: other)
        #expect(lines.count == 65_537)
    }
}
