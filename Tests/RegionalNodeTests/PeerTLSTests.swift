import Configuration
import ExposureKeys
import FeedFormat
import HTTP2
import NIOCore
import NIOPosix
import RegionalNode
import Replication
import TestSupport
import Testing

/// Nodes that know each other by certificates, over real sockets.
@Suite(.serialized, .timeLimit(.minutes(1))) struct PeerTLSTests {
    /// A connection to the peer listener of a node, showing `certificate`.
    private func connect(_ nodes: Nodes, _ number: Int, showing certificate: TestCertificate?) async throws
        -> HTTPConnection
    {
        let identity = try certificate.map { try TLSIdentity(certificates: $0.certificatePEM, key: $0.keyPEM) }
        return try await HTTPConnection.connect(
            to: .tcp("127.0.0.1", nodes.country.peerPorts[number]),
            group: MultiThreadedEventLoopGroup.singleton,
            logger: TestNode.silent,
            tls: try TLSClient(trust: .judged { _ in .accepted }, identity: identity)
        )
    }

    /// Whether a link that begins with a hello of `region` counts as one.
    private func isLinkTaken(
        _ nodes: Nodes,
        _ number: Int,
        showing certificate: TestCertificate?,
        hello region: Region
    ) async throws -> Bool {
        var isTaken = false
        do {
            let connection = try await connect(nodes, number, showing: certificate)
            let stream = try await connection.open(RequestHead(method: "POST", path: "/v1/link"))
            guard try await stream.response().status == 200 else { throw TestFailure("no link") }
            try await stream.write(ByteBuffer(bytes: LinkFrame.hello(LinkFrame.Hello(region: region)).encoded()))
            isTaken = try await eventually(seconds: 3) { try await nodes[number].status().links.contains(region.code) }
            stream.reset()
            await connection.close()
        } catch is HTTPError {
            isTaken = false
        }
        return isTaken
    }

    @Test func threeInALineConvergeOverTLS() async throws {
        try await Nodes.with("VN-01", "VN-48", "VN-79", isSecure: true) { nodes in
            for number in 0..<3 { try await nodes.start(number) }
            for number in 0..<3 {
                try await nodes[number].publish(try nodes.country.archive(patients: 10), of: nodes.country)
            }
            #expect(try await nodes.converge(0, 1, 2))
            #expect(try await nodes[1].status().links == ["VN-01", "VN-79"])
            #expect(try await nodes[1].status().alarms.isEmpty)
        }
    }

    @Test func onlyTheRegionOfTheCertificateMayCallItselfSo() async throws {
        try await Nodes.with("VN-01", "VN-48", "VN-79", isSecure: true) { nodes in
            try await nodes.start(0)
            let country = nodes.country
            let (second, third) = (country.regions[1], country.regions[2])
            #expect(try await isLinkTaken(nodes, 0, showing: country.certificates[1], hello: second))
            #expect(try await isLinkTaken(nodes, 0, showing: country.certificates[1], hello: third) == false)
            let stranger = try TestCertificate("VN-48")
            #expect(try await isLinkTaken(nodes, 0, showing: stranger, hello: second) == false)
            #expect(try await isLinkTaken(nodes, 0, showing: nil, hello: second) == false)
        }
    }

    /// One region cannot take the places of all.
    @Test func aThirdLinkOfARegionReplacesItsFirst() async throws {
        try await Nodes.with("VN-01", "VN-48", isSecure: true) { nodes in
            let node = try await nodes.start(0)
            let region = nodes.country.regions[1]
            let connection = try await connect(nodes, 0, showing: nodes.country.certificates[1])
            var streams: [ClientStream] = []
            for _ in 1...3 {
                let stream = try await connection.open(RequestHead(method: "POST", path: "/v1/link"))
                #expect(try await stream.response().status == 200)
                try await stream.write(ByteBuffer(bytes: LinkFrame.hello(LinkFrame.Hello(region: region)).encoded()))
                streams.append(stream)
                #expect(try await eventually { try await node.status().links == [region.code] })
            }
            // The first has ended, the others have not.
            do {
                for try await _ in streams[0].body {}
            } catch is HTTPError {
                // Reset rather than ended.
            }
            #expect(try await node.status().links == [region.code])
            for stream in streams { stream.reset() }
            await connection.close()
        }
    }

    /// The roster lets VN-48 show its certificate for ten seconds more.
    @Test func aLinkEndsWithTheCertificate() async throws {
        try await Nodes.with("VN-01", "VN-48", isSecure: true, lastUntil: TestCountry.time + 10) { nodes in
            for number in 0..<2 { try await nodes.start(number) }
            #expect(try await eventually { try await nodes[0].status().links == ["VN-48"] })
            #expect(try await eventually(seconds: 40) { try await nodes[0].status().links.isEmpty })
            #expect(
                try await eventually {
                    try await nodes[1].status().alarms.contains { "\($0)".contains("other nodes refuse") }
                }
            )
            #expect(try await nodes[0].status().links.isEmpty)
        }
    }

    @Test func aDialledNodeWithTheWrongCertificateGetsNoLink() async throws {
        try await Nodes.with("VN-01", "VN-48", isSecure: true) { nodes in
            let country = nodes.country
            // VN-48's address is taken by somebody with a certificate of his own.
            let stranger = try TestCertificate("VN-48")
            let identity = try TLSIdentity(certificates: stranger.certificatePEM, key: stranger.keyPEM)
            let tls = try TLSServer(identity, clientCertificates: .required { _ in .accepted })
            let impostor = try await HTTPServer.bind(
                .tcp("127.0.0.1", country.peerPorts[1]),
                group: MultiThreadedEventLoopGroup.singleton,
                logger: TestNode.silent,
                tls: tls,
                handler: Impostor()
            )
            try await nodes.start(0)
            #expect(try await eventually { tls.counts.failures >= 2 })
            #expect(tls.counts.handshakes == 0)
            #expect(try await nodes[0].status().links.isEmpty)
            try await impostor.shutdown(grace: .zero)
        }
    }

    private struct Impostor: RequestHandler {
        func handle(_ request: RequestHead, on connection: ConnectionInfo) -> RequestHandling {
            .respond(ResponseHead(status: 200), nil)
        }
    }

    /// Why a node does not start with these settings.
    private func refusal(_ country: TestCountry, _ changes: [String: String?]) async throws -> String {
        var settings = country.settings(0)
        for (name, value) in changes { settings[name] = value.map { ConfigValue(.string($0), isSecret: false) } }
        do {
            let reader = try await NodeConfiguration.reader(flags: settings, environment: [:], file: nil)
            let node = try await TestNode(try NodeConfiguration(reader))
            try await node.stop()
            return ""
        } catch let error as NodeError {
            return error.description
        }
    }

    @Test func aNodeMustShowWhatTheRosterNames() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let country = try TestCountry(["VN-01", "VN-48"], in: scratch, isSecure: true)
        let wrong = try await refusal(
            country,
            ["peers.certificate": scratch.file("VN-48.peer.pem"), "peers.key": scratch.file("VN-48.peer.key")]
        )
        for certificate in country.certificates {
            let hash = try #require(CertificateHash(bytes: certificate.hash))
            #expect(wrong.contains(hash.description), "\(wrong)")
        }
        #expect(wrong.contains("peers.certificate"))
        let none = try await refusal(country, ["peers.certificate": nil, "peers.key": nil])
        #expect(none.contains("give 'peers.certificate' and 'peers.key'"), "\(none)")
        let mixed = try await refusal(country, ["peers.key": scratch.file("VN-48.peer.key")])
        #expect(mixed.contains("is not the key of") && mixed.contains("peers.key"), "\(mixed)")
        let half = try await refusal(country, ["tls.key": nil])
        #expect(half.contains("'tls.certificate' is given without 'tls.key'"), "\(half)")
    }

    @Test func cleartextStaysOnThisHost() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let country = try TestCountry(["VN-01"], in: scratch)
        let open = try await refusal(country, ["listen.public": "0.0.0.0:0"])
        #expect(open.contains("listen.insecure"), "\(open)")
        let peers = try await refusal(country, ["listen.peers": "[::]:0", "listen.insecure": "true"])
        #expect(peers.contains("peers.certificate"), "\(peers)")
        let metrics = try await refusal(country, ["listen.metrics": "0.0.0.0:0"])
        #expect(metrics.contains("loopback"), "\(metrics)")
        // Such settings do for a proxy in front.
        #expect(try await refusal(country, ["listen.public": "0.0.0.0:0", "listen.insecure": "true"]).isEmpty)
        #expect(try await refusal(country, ["listen.metrics": "none"]).isEmpty)
    }
}
