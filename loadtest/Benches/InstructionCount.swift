import Foundation

/// Instructions of a request, counted by valgrind's callgrind: the difference between a run with some requests and one
/// with five times as many, divided by how many more there were. TLS and its cryptography are apart, since valgrind shows
/// their code another processor than the real one. What the kernel does is not counted.
struct InstructionCount {
    let total: Double
    /// Of these, those of the libraries of TLS and cryptography.
    let crypto: Double
    /// Of the rest, those of the library of HTTP/2, of the C library, and of the runtime of Swift; 0 where a server has
    /// none of its own.
    let http2: Double
    let libc: Double
    let runtime: Double
    /// Parts of the above, of the node only.
    let parts: [(name: String, instructions: Double)]

    var rest: Double { total - crypto }
    /// Those of the server's program.
    var program: Double { rest - http2 - libc - runtime }

    /// - Parameter requests: of the first run.
    init(of kind: ServerKind, _ site: ServedSite, _ range: ServedRange, requests: Int, _ cores: ServerCores) throws {
        let counted = try CountedServer(kind, in: site)
        let few = try counted.profile(of: requests, site, range, cores)
        let many = try counted.profile(of: 5 * requests, site, range, cores)
        let difference = many.less(few)
        let perRequest = 1 / Double(4 * requests)
        total = difference.total * perRequest
        crypto = try counted.crypto(in: difference) * perRequest
        http2 = difference.sum(of: ["libnghttp2."]) * perRequest
        libc = difference.sum(of: ["libc.", "ld-linux"]) * perRequest
        runtime = difference.sum(of: ["libswift", "libdispatch.", "libFoundation", "lib_Foundation"]) * perRequest
        guard kind == .keytide else {
            parts = []
            return
        }
        parts = InstructionCount.parts.map { name, library, functions in
            (name, difference.sum(of: [library], in: functions) * perRequest)
        }
    }

    /// Each by its name, the file that it is in, and what stands in the linker's names of its functions. Debian's library
    /// of HTTP/2 has names for those functions only that others call.
    private static let parts: [(name: String, library: String, functions: [String])] = [
        ("oursFieldChecks", "libnghttp2.", ["nghttp2_check_"]),
        ("oursAllocation", "libc.", ["malloc", "free", "calloc"]),
        ("oursCopies", "libc.", ["memcpy", "memmove", "memset"]),
        ("oursReferences", "libswiftCore.", ["retain", "release", "RefCount", "lloc"]),
        ("oursExclusivity", "libswiftCore.", ["Access", "TLSContext"]),
        ("oursCallbacks", "keytide", ["SessionCallbacks"]),
        ("oursHeads", "keytide", ["ReceivedHead"]),
        ("oursSession", "keytide", ["NGHTTP2Session", "12Outbound"]),
        ("oursEndpoint", "keytide", ["ServerEndpoint", "StreamTable"]),
        ("oursMemoryCount", "keytide", ["CountedMemory"]),
        ("oursRoutes", "keytide", ["$s12RegionalNode", "9Freshness"]),
        ("oursNIO", "keytide", ["$s7NIOCore", "$s8NIOPosix", "$s6NIOSSL"]),
    ]
}

/// A server that runs under callgrind.
struct CountedServer {
    private let kind: ServerKind
    private let program: CountedProgram
    private let directory: String

    init(_ kind: ServerKind, in site: ServedSite) throws {
        self.kind = kind
        directory = site.directory
        program = try CountedProgram(of: kind == .keytide ? try Command.keytide() : kind.rawValue, in: site.directory)
    }

    /// Runs it for so many requests.
    func profile(of requests: Int, _ site: ServedSite, _ range: ServedRange, _ cores: ServerCores) throws -> Profile {
        let output = "\(directory)/callgrind.\(kind.rawValue).\(requests)"
        let server = try site.start(kind, counted: program, core: cores.server, output: output)
        let load = LoadGenerator(core: cores.client, url: site.url(server.port, range.path))
        do {
            try load.send(requests, connections: 8, streams: 16, bodyBytes: range.bytes.count)
        } catch {
            server.stop()
            throw error
        }
        // What was counted is written at the end. Children, such as scripts of h2o, write files of their own.
        server.stop(within: 60)
        Progress.report("instructions of \(kind.rawValue), \(requests) requests")
        return try Profile(path: "\(output).\(server.identifier)", object: program.path)
    }

    /// The source of instructions: see `CountedProgram`.
    func sources(of addresses: Set<UInt64>) throws -> [UInt64: [SourceFrame]] { try program.sources(of: addresses) }

    /// Instructions of the libraries of TLS and cryptography. The node has them in its program, other servers do not.
    func crypto(in profile: Profile) throws -> Double {
        guard kind == .keytide else {
            return profile.sum(of: ["libcrypto.", "libssl."])
        }
        let sources = try sources(of: Set(profile.own.keys))
        return profile.own.reduce(0) { sum, place in
            let frames = sources[place.key] ?? []
            return frames.contains { $0.path.contains("BoringSSL") } ? sum + place.value : sum
        }
    }
}
