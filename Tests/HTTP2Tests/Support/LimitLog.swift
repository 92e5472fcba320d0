import HTTP2
import Synchronization

/// Notes which limits were run into, and how often.
final class LimitLog: Sendable {
    private let counts = Mutex<[TransportLimit: Int]>([:])

    func note(_ limit: TransportLimit) {
        counts.withLock { $0[limit, default: 0] += 1 }
    }

    func count(_ limit: TransportLimit) -> Int {
        counts.withLock { $0[limit, default: 0] }
    }

    var limits: Set<TransportLimit> {
        counts.withLock { Set($0.keys) }
    }
}
