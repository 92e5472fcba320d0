import ExposureKeys
import FeedFormat
import Testing

struct RosterRequestTests {
    private func request(
        key: NoteVerifier? = nil,
        replaced: NoteVerifier? = nil,
        certificate: RosterRegion.Certificate? = Samples.certificate(1),
        operatorName: String = "Sở Y tế"
    ) throws -> RosterRequest? {
        RosterRequest(
            region: try Samples.region(),
            operatorName: operatorName,
            key: try key ?? Samples.signer().verifier,
            replaced: replaced,
            certificate: certificate,
            publicEndpoint: "https://vn-01.example",
            peerEndpoint: "https://vn-01.example:8441"
        )
    }

    @Test func roundTrips() throws {
        let (new, old) = (try Samples.signer(), try Samples.signer(seed: 2))
        for former in [nil, old] {
            for certificate in [nil, Samples.certificate(1), Samples.certificate(2, from: -5)] {
                let made = try #require(try request(replaced: former?.verifier, certificate: certificate))
                let bytes = try made.signed(by: new, and: former, time: Samples.time)
                #expect(try RosterRequest(bytes[...]) == made)
            }
        }
    }

    @Test func whatMayNotBeAskedFor() throws {
        let key = try Samples.signer().verifier
        #expect(try request() != nil)
        #expect(try request(replaced: key) == nil)
        #expect(try request(key: try Samples.signer("VN-02").verifier) == nil)
        #expect(try request(key: try Samples.authority(1).verifier) == nil)
        for text in ["", "a\nb", String(repeating: "x", count: 201)] { #expect(try request(operatorName: text) == nil) }
    }

    @Test func everySignatureIsNeeded() throws {
        let (new, old) = (try Samples.signer(), try Samples.signer(seed: 2))
        let plain = try #require(try request())
        let rotation = try #require(try request(replaced: old.verifier))
        #expect(throws: FormatError.with(.wrongSignature)) { try plain.signed(by: old, and: nil, time: 1) }
        #expect(throws: FormatError.with(.wrongSignature)) { try plain.signed(by: new, and: old, time: 1) }
        #expect(throws: FormatError.with(.wrongSignature)) { try rotation.signed(by: new, and: nil, time: 1) }
        let text = String(decoding: try rotation.signed(by: new, and: old, time: 1), as: UTF8.self)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        // Two signature lines and what follows the last newline.
        for left in [lines.count - 3, lines.count - 2] {
            let without = lines.indices.filter { $0 != left }.map { lines[$0] }.joined(separator: "\n")
            #expect(throws: FormatError.with(.missingSignature)) { try RosterRequest(Array(without.utf8)[...]) }
        }
    }

    @Test func nothingAlteredIsRead() throws {
        let (new, old) = (try Samples.signer(), try Samples.signer(seed: 2))
        let made = try #require(try request(replaced: old.verifier))
        let bytes = try made.signed(by: new, and: old, time: Samples.time)
        for position in bytes.indices {
            var altered = bytes
            altered[position] ^= 1
            #expect(throws: FormatError.self) { try RosterRequest(altered[...]) }
            #expect(throws: FormatError.self) { try RosterRequest(bytes[..<position]) }
        }
        #expect(throws: FormatError.with(.limitExceeded)) {
            try RosterRequest([UInt8](repeating: 0x20, count: 8193)[...])
        }
        let roster = try RosterTests.roster().signed(by: [try Samples.authority(1)])
        #expect(throws: FormatError.with(.unknownFormat)) { try RosterRequest(roster[...]) }
    }
}
