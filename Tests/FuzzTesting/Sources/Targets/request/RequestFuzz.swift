import ExposureKeys
import FeedFormat

#if FUZZING
    import Support
#endif

/// A region's request to be listed: as it is, signed by its key, and signed by the key that it replaces as well.
enum RequestFuzz {
    static func holds(_ bytes: [UInt8]) -> Bool {
        let key = Notary(name: "keytide/VN-01", type: 4, seed: 1)
        let former = Notary(name: "keytide/VN-01", type: 4, seed: 2)
        for note in [bytes, key.note(bytes), key.note(bytes, with: former)] {
            guard let request = try? RosterRequest(note[...]) else { continue }
            guard note.count <= 8192, note.starts(with: (text(of: request) + "\n").utf8), canBeListed(request) else {
                return false
            }
        }
        return true
    }

    /// From docs/FEED-FORMAT.md, apart from the module under test.
    private static func text(of request: RosterRequest) -> String {
        var lines = ["keytide/request", "region \(request.region)", "operator \(request.operatorName)"]
        lines.append("key \(request.key.text)")
        if let replaced = request.replaced { lines.append("replaces \(replaced.text)") }
        if let one = request.certificate {
            lines.append("certificate \(one.notBefore) \(one.notAfter) \(Notary.base64(one.hash.bytes))")
        }
        lines += ["public \(request.publicEndpoint)", "peer \(request.peerEndpoint)"]
        return lines.map { $0 + "\n" }.joined()
    }

    /// A roster takes what a request may ask for.
    private static func canBeListed(_ request: RosterRequest) -> Bool {
        let region = RosterRegion(
            id: request.region,
            vietnameseName: "x",
            englishName: "x",
            operatorName: request.operatorName,
            keys: [RosterRegion.Key(verifier: request.key, notBefore: 0, notAfter: 1)],
            certificates: [request.certificate].compactMap { $0 },
            publicEndpoint: request.publicEndpoint,
            peerEndpoint: request.peerEndpoint
        )
        return region != nil
    }
}

#if FUZZING
    @main enum Main {
        static func main() { Fuzzer.run(RequestFuzz.holds) }
    }
#endif
