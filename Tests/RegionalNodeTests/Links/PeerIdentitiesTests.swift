import ExposureKeys
import FeedFormat
import HTTP2
import RegionalNode
import TestSupport
import Testing

@Suite struct PeerIdentitiesTests {
    private let now = TestCertificate.now
    private let certificates: [TestCertificate]
    private let regions: [Region]

    init() throws {
        certificates = try (0..<3).map { _ in try TestCertificate() }
        regions = ["VN-01", "VN-48", "VN-79"].compactMap { Region($0) }
    }

    /// VN-01 with the first certificate and, from now on for 100 s, the second; VN-48 with none, VN-79 as given.
    private func roster(_ last: [RosterRegion.Certificate] = []) throws -> Roster {
        let lists = [
            [
                try TestCountry.listing(certificates[0]),
                try TestCountry.listing(certificates[1], from: now, until: now + 100),
            ], [], last,
        ]
        let entries = try zip(regions, lists).map { region, list in
            let seed = (0..<32).map { UInt8($0) }
            let name = KeytideNames.signer(region)
            guard let signer = NoteSigner(name: name, algorithm: .cosignature, seed: seed),
                let entry = RosterRegion(
                    id: region,
                    vietnameseName: "x",
                    englishName: "x",
                    operatorName: "x",
                    keys: [RosterRegion.Key(verifier: signer.verifier, notBefore: 0, notAfter: now)],
                    certificates: list,
                    publicEndpoint: "https://x:1",
                    peerEndpoint: "https://x:1"
                )
            else { throw TestFailure("\(region) cannot be listed") }
            return entry
        }
        guard let roster = Roster(version: 1, previous: nil, issued: 0, expires: now, regions: entries) else {
            throw TestFailure("no roster")
        }
        return roster
    }

    private func peer(_ number: Int, validity: ClosedRange<Int64>? = nil) throws -> PeerCertificate {
        guard let hash = CertificateHash(bytes: certificates[number].hash) else { throw TestFailure("no hash") }
        return PeerCertificate(hash: hash, validity: validity ?? (now - 10)...(now + 1000))
    }

    private func reason(
        _ number: Int,
        at time: Int64,
        expected: String? = nil,
        validity: ClosedRange<Int64>? = nil
    ) throws -> String? {
        let expected = expected.flatMap { Region($0) }
        let judged = PeerIdentities(try roster(), now: time).judge(
            try peer(number, validity: validity),
            expected: expected
        )
        guard case .refused(let reason) = judged else { return nil }
        return reason
    }

    @Test func aListedCertificateIsTakenWhileBothItsDatesAndTheRosterAllowIt() throws {
        #expect(try reason(0, at: now) == nil)
        for (time, isTaken) in [(now - 1, false), (now, true), (now + 99, true), (now + 100, false)] {
            let refusal = try reason(1, at: time)
            #expect((refusal == nil) == isTaken, "\(time - now)")
            #expect(refusal?.contains("VN-01") ?? true)
            let region = PeerIdentities(try roster(), now: time).region(of: try peer(1).hash)
            #expect(region == (isTaken ? regions[0] : nil))
        }
        #expect(try reason(0, at: now, validity: (now - 100)...(now - 1))?.contains("has expired") == true)
        #expect(try reason(0, at: now, validity: (now + 1)...(now + 2))?.contains("is not valid yet") == true)
    }

    @Test func aStrangerIsToldByItsHashAndNothingElse() throws {
        let refusal = try #require(try reason(2, at: now))
        #expect(refusal.contains("a stranger, or revoked"))
        #expect(refusal.contains(try peer(2).hash.prefix))
        #expect(PeerIdentities(try roster(), now: now).region(of: try peer(2).hash) == nil)
    }

    @Test func aDialledRegionMustShowItsOwn() throws {
        #expect(try reason(0, at: now, expected: "VN-01") == nil)
        #expect(try reason(0, at: now, expected: "VN-48")?.contains("that of VN-01, not of VN-48") == true)
    }

    @Test func whatARosterNamesIsNeeded() throws {
        let identities = PeerIdentities(try roster(), now: now)
        #expect(identities.areNeeded)
        #expect(identities.areNeeded(by: regions[0]))
        #expect(!identities.areNeeded(by: regions[1]))
    }

    @Test func endpointsSayWhetherTheyAreTLS() {
        #expect(PeerEndpoint("https://node.example:8441")?.isTLS == true)
        #expect(PeerEndpoint("http://127.0.0.1:18441/")?.isTLS == false)
        #expect(PeerEndpoint("https://[::1]:80/")?.address.host == "::1")
        for text in ["", "https://", "ftp://host:1", "https://host", "host:1", "https://host:1//"] {
            #expect(PeerEndpoint(text) == nil, "\(text)")
        }
    }
}
