import CMatchKernel
import ClientSync
import ExposureKeys
import ExposureNotification
import Foundation

/// Keys of whole days of a fortnight, in batches as a feed has them, and sightings of the same time.
struct MatchMaterial {
    /// 2021-08-01T00:00:00Z.
    private static let now = Interval(unixSeconds: 1_627_776_000)
    private static let days = 14
    private static let batchKeys = 50_000
    private static let tolerance = ExposureMatching.tolerance

    private let batches: [[DiagnosisKey]]
    private let seed: UInt64
    private let count: Int

    init(keys count: Int, seed: UInt64) {
        var random = SeededNumbers(state: seed)
        batches = stride(from: 0, to: count, by: MatchMaterial.batchKeys).map { start in
            let size = min(MatchMaterial.batchKeys, count - start)
            return (0..<size).compactMap { place in
                // Days side by side, as groups of a batch are.
                let day = Int64(place * MatchMaterial.days / size)
                let start = MatchMaterial.now.advanced(by: (day - Int64(MatchMaterial.days)) * Interval.perDay)
                return KeyMetadata(rollingStart: start, rollingPeriod: 144, reportType: .confirmed).map {
                    DiagnosisKey(data: KeyData(high: random.next(), low: random.next()), metadata: $0)
                }
            }
        }
        self.count = count
        self.seed = seed
    }

    /// Sightings of strangers.
    func encounters(_ number: Int) -> [Encounter] {
        var random = SeededNumbers(state: seed ^ 0xe5)
        let seconds = Int64(MatchMaterial.days) * 86_400
        return (0..<number).map { _ in
            Encounter(
                time: MatchMaterial.now.unixSeconds - 1 - Int64.random(in: 0..<seconds, using: &random),
                identifier: ProximityIdentifier(high: random.next(), low: random.next()),
                strength: .attenuation(60)
            )
        }
    }

    /// Sightings of some of the keys, a few at the very edge of the tolerance and just beyond it.
    func sightings(of number: Int) -> [Encounter] {
        var random = SeededNumbers(state: seed ^ 0x51)
        let all = batches.flatMap { $0 }
        return (0..<number).map { _ in
            let key = all[Int.random(in: 0..<all.count, using: &random)]
            let interval = key.metadata.rollingStart.advanced(by: Int64.random(in: -1...144, using: &random))
            let shift = [-13, -12, 0, 0, 0, 12, 13].randomElement(using: &random) ?? 0
            return Encounter(
                time: interval.advanced(by: Int64(shift)).unixSeconds + Int64.random(in: 0..<600, using: &random),
                identifier: RollingProximityKey(key: key.data).identifier(at: interval),
                strength: .attenuation(60)
            )
        }
    }

    func matcher(encounters number: Int) -> KeyMatcher { matcher(encounters(number)) }

    private func matcher(_ encounters: [Encounter]) -> KeyMatcher {
        KeyMatcher(
            encounters,
            tolerance: MatchMaterial.tolerance,
            from: MatchMaterial.now.advanced(by: -15 * Interval.perDay)
        )
    }

    func compare(with matcher: KeyMatcher) -> MatchWork {
        batches.reduce(into: MatchWork()) { $0.add(matcher.matches(of: $1).work) }
    }

    /// Keys a second of processor time.
    func rate(_ body: () -> Void) -> Double { Double(count) / MatchMaterial.seconds(body) }

    private static func seconds(_ body: () -> Void) -> Double {
        let before = ThisProcess.processorSeconds
        body()
        return ThisProcess.processorSeconds - before
    }

    /// Fails unless every identifier of every key was derived.
    func expect(_ work: MatchWork) throws {
        guard work.keys == count, work.identifiers == 144 * count else {
            throw BenchError("\(work.identifiers) identifiers of \(work.keys) keys instead of all of \(count)")
        }
    }

    /// Keys a second of the loop that does nothing but the ciphers.
    func limitRate() -> Double {
        let bytes = batches.flatMap { $0 }.flatMap(\.data.bytes)
        let intervals = (0..<144).map { MatchMaterial.now.number + $0 }
        var isDone = false
        let rate = rate { isDone = kt_identifiers(kt_kernel_best(), bytes, count, intervals, intervals.count, nil) }
        return isDone ? rate : .nan
    }

    /// Keys a second of swift-crypto's AES, which sets up its key for each block.
    func peerRate(keys number: Int) -> Double {
        let keys = batches[0].prefix(number)
        var sum: UInt64 = 0
        let seconds = MatchMaterial.seconds {
            for key in keys {
                let rolling = RollingProximityKey(key: key.data)
                for offset in 0..<144 {
                    sum &+= rolling.identifier(at: key.metadata.rollingStart.advanced(by: Int64(offset))).high
                }
            }
        }
        return sum == 0 ? .nan : Double(keys.count) / seconds
    }

    // MARK: Exactness

    /// A sighting of a key: position of the key, and the sighting.
    struct Found: Hashable {
        let key: Int
        let encounter: Encounter
    }

    func matches(_ encounters: [Encounter]) -> Set<Found> {
        let matcher = matcher(encounters)
        var found: Set<Found> = []
        var before = 0
        for batch in batches {
            for match in matcher.matches(of: batch).matches {
                for encounter in match.sightings {
                    found.insert(Found(key: before + match.position, encounter: encounter))
                }
            }
            before += batch.count
        }
        return found
    }

    /// The same, by deriving all identifiers of each key and looking each up by itself.
    func search(_ encounters: [Encounter]) -> Set<Found> {
        var seen: [ProximityIdentifier: [Encounter]] = [:]
        for encounter in encounters { seen[encounter.identifier, default: []].append(encounter) }
        var found: Set<Found> = []
        for (position, key) in batches.joined().enumerated() {
            let start = key.metadata.rollingStart
            let identifiers = RollingProximityKey(key: key.data).identifiers(in: start..<key.metadata.end)
            for (offset, identifier) in identifiers.enumerated() {
                guard let sightings = seen[identifier] else { continue }
                let interval = start.advanced(by: Int64(offset))
                for encounter in sightings
                where abs(encounter.interval.distance(from: interval)) <= MatchMaterial.tolerance {
                    found.insert(Found(key: position, encounter: encounter))
                }
            }
        }
        return found
    }
}

/// Numbers that are the same in every run (SplitMix64 by Steele, Lea and Flood).
private struct SeededNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
