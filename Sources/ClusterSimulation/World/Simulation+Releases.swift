import ExposureKeys
import FeedFormat
import Replication

/// Nodes of different releases on one network.
extension Simulation {
    /// The last frame that an older release knows.
    private static let lastFrameOfOlder: UInt8 = 6

    /// What leaves a node instead of a frame; nil for frames that its release does not have.
    func encoded(_ frame: LinkFrame, by index: Int) -> [UInt8]? {
        if lie(of: index) == .garbage, chances[index].chance(50) { return [0xff, 0xff, 0xff, 0xff, 1, 2, 3] }
        var bytes = frame.encoded()
        switch nodes[index].release {
        case .current:
            return bytes
        case .older:
            if case .hello(let hello) = frame { return LinkFrame.hello(Simulation.older(hello)).encoded() }
            return bytes[4] > Simulation.lastFrameOfOlder ? nil : bytes
        case .newer:
            guard case .hello(var hello) = frame else {
                if case .roster = frame { return Simulation.extended(bytes) }
                return bytes
            }
            hello.features |= 1 << 63 | 1 << 40
            bytes = Simulation.extended(LinkFrame.hello(hello).encoded())
            // A frame of its own, with flags of its own.
            return bytes + [0, 0, 0, 5, 99, 0xfe, 1, 2, 3]
        }
    }

    /// A hello with the features that an older release knows.
    private static func older(_ hello: LinkFrame.Hello) -> LinkFrame.Hello {
        var hello = hello
        hello.features &= LinkFrame.Hello.batchesAreAdverts
        return hello
    }

    /// A frame with more in it than this release reads.
    private static func extended(_ bytes: [UInt8]) -> [UInt8] {
        var longer: [UInt8] = []
        longer.append(bigEndian: UInt32(bytes.count - 4 + 3))
        return longer + bytes[4...] + [9, 8, 7]
    }

    /// What a node of its release reads.
    func understood(_ frame: LinkFrame, by index: Int) -> LinkFrame {
        if case .unknown = frame { reach(.unknownFrame) }
        guard nodes[index].release == .older else { return frame }
        if case .hello(let hello) = frame { return .hello(Simulation.older(hello)) }
        let type = frame.encoded()[4]
        return type > Simulation.lastFrameOfOlder ? .unknown(type) : frame
    }

    func install(_ release: Release, on index: Int, down: Int64) {
        note(index, "is restarted in the \(release.rawValue) release")
        crash(index)
        nodes[index].release = release
        nodes[index].downUntil = max(nodes[index].downUntil, now + down)
        agenda.add(at: nodes[index].downUntil, .start(node: index))
        if nodes.contains(where: { $0.release != release && $0.process != nil }) { reach(.mixedReleases) }
    }
}
