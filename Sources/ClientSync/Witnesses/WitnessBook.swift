public import ExposureKeys

/// What a phone keeps to judge nodes by: what it has heard from witnesses and from the nodes that it asked, and what is
/// still in dispute between them. A value; the store keeps it as a whole.
public struct WitnessBook: Sendable, Equatable {
    /// By which this phone draws its witnesses: random, made with the store, sent to nobody.
    public let seed: UInt64
    /// Unix seconds of the phone's clock at which witnesses were last asked for.
    public var asked: Int64
    /// One a region, ascending.
    public private(set) var voices: [Voice]
    /// Oldest first.
    public private(set) var disputes: [Dispute]

    /// What one region's node has said.
    public struct Voice: Sendable, Equatable {
        public let region: Region
        /// Time of its newest index seen; no older one is believed.
        public var time: Int64
        /// The index by which others are judged, once an hour has passed; nil if none is kept.
        public var statement: IndexStatement?
        /// The region of the node that passed `statement` on.
        public var relay: Region
        /// Unix seconds of the phone's clock until which it is no witness; 0 if it may be one.
        public var barredUntil: Int64
        /// Until when it matters: one that lies is not to be forgotten for those heard since.
        fileprivate var relevance: Int64 { max(time, barredUntil) }

        public init(region: Region, time: Int64, statement: IndexStatement?, relay: Region, barredUntil: Int64 = 0) {
            self.region = region
            self.time = time
            self.statement = statement
            self.relay = relay
            self.barredUntil = barredUntil
        }
    }

    /// A node lacked what a witness had claimed an hour before, and nobody has shown the region's signature for it: one
    /// of them lied. Who, a later sync with another node may tell.
    public struct Dispute: Sendable, Equatable {
        public let witness: Region
        public let claim: IndexStatement
        /// Base URL of the node, and what it said.
        public let node: String
        public let answer: IndexStatement
        /// Unix seconds.
        public let found: Int64

        public init(witness: Region, claim: IndexStatement, node: String, answer: IndexStatement, found: Int64) {
            self.witness = witness
            self.claim = claim
            self.node = node
            self.answer = answer
            self.found = found
        }
    }

    public init(seed: UInt64, asked: Int64 = 0, voices: [Voice] = [], disputes: [Dispute] = []) {
        self.seed = seed
        self.asked = asked
        self.voices = voices.sorted { $0.region < $1.region }
        self.disputes = disputes
    }

    /// At most so many are kept; the ones heard, or barred, longest ago go first.
    public static let maximumVoices = 24
    /// At most so many are kept; further ones are not noted until old ones end.
    public static let maximumDisputes = 8

    public func voice(of region: Region) -> Voice? { voices.first { $0.region == region } }

    /// Keeps a voice in place of the one of the same region.
    public mutating func hold(_ voice: Voice) {
        voices.removeAll { $0.region == voice.region }
        if voices.count >= WitnessBook.maximumVoices, let oldest = voices.min(by: { $0.relevance < $1.relevance }) {
            voices.removeAll { $0.region == oldest.region }
        }
        voices.insert(voice, at: voices.firstIndex { voice.region < $0.region } ?? voices.endIndex)
    }

    /// Passes a region over as a witness.
    /// - Parameter time: unix seconds of the phone's clock.
    mutating func bar(_ region: Region, until time: Int64) {
        var voice = voice(of: region) ?? Voice(region: region, time: 0, statement: nil, relay: region)
        voice.barredUntil = max(voice.barredUntil, time)
        hold(voice)
    }

    /// Takes a region's place as a witness from it, and forgets what it said.
    mutating func dismiss(_ region: Region, until time: Int64) {
        bar(region, until: time)
        guard var voice = voice(of: region) else { return }
        voice.statement = nil
        hold(voice)
    }

    /// Notes a dispute, unless one of this witness and node is open.
    mutating func hold(_ dispute: Dispute) {
        guard !isDisputed(dispute.witness, dispute.node), disputes.count < WitnessBook.maximumDisputes else { return }
        disputes.append(dispute)
    }

    func isDisputed(_ witness: Region, _ node: String) -> Bool {
        disputes.contains { $0.witness == witness && $0.node == node }
    }

    mutating func endDispute(of witness: Region, with node: String) {
        disputes.removeAll { $0.witness == witness && $0.node == node }
    }
}
