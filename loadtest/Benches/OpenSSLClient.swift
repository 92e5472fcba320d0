import Foundation

/// TCP payload that the kernel has counted of this host's one connection to a port, as seen by the client.
struct SocketBytes {
    private(set) var sent = 0
    private(set) var received = 0
    var total: Int { sent + received }

    init(to port: Int) throws {
        let text = try Command.run(["ss", "-tinH", "state", "established", "dport = :\(port)"])
        for word in text.split(whereSeparator: \.isWhitespace) {
            if word.hasPrefix("bytes_sent:") { sent += Int(word.dropFirst(11)) ?? 0 }
            if word.hasPrefix("bytes_received:") { received += Int(word.dropFirst(15)) ?? 0 }
        }
        guard sent > 0 else { throw BenchError("ss tells nothing of a connection to port \(port): \(text)") }
    }
}

/// `openssl s_client`, which can resume sessions, as a client of HTTP/2.
struct OpenSSLClient {
    let port: Int
    /// Where the session is kept.
    let directory: String

    /// Makes a connection, sends bytes, and waits for the whole answer on stream 1.
    /// - Parameter resume: the session of the exchange before this.
    func exchange(_ request: [UInt8], resume: Bool) throws -> SocketBytes {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let session = "\(directory)/session"
        process.arguments =
            ["openssl", "s_client", "-connect", "127.0.0.1:\(port)", "-alpn", "h2", "-quiet", "-tls1_3"]
            + [resume ? "-sess_in" : "-sess_out", session]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        defer {
            // Children of a thread of libdispatch begin with SIGTERM blocked.
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        input.fileHandleForWriting.write(Data(request))
        var answer: [UInt8] = []
        while !FrameText.endsStream1(answer) {
            let piece = output.fileHandleForReading.availableData
            guard !piece.isEmpty else { throw BenchError("openssl ended before the answer: \(answer.count) bytes") }
            answer += piece
        }
        return try SocketBytes(to: port)
    }
}

/// The least of HTTP/2 that benches must read and write themselves (RFC 9113, 4.1).
enum FrameText {
    /// Whether the frames have come to the end of stream 1.
    static func endsStream1(_ bytes: [UInt8]) -> Bool {
        var place = 0
        while place + 9 <= bytes.count {
            let count = Int(bytes[place]) << 16 | Int(bytes[place + 1]) << 8 | Int(bytes[place + 2])
            let isMessage = bytes[place + 3] <= 1 && bytes[place + 4] & 1 == 1
            guard place + 9 + count <= bytes.count else { return false }
            if isMessage, bytes[(place + 5)..<(place + 9)].elementsEqual([0, 0, 0, 1]) { return true }
            place += 9 + count
        }
        return false
    }

    /// A client's preface, settings, the acknowledgement of the server's, and a GET on stream 1.
    static func request(path: String, authority: String) -> [UInt8] {
        func literal(_ index: UInt8, _ text: String) -> [UInt8] {
            [index, UInt8(text.utf8.count)] + Array(text.utf8)
        }
        func frame(type: UInt8, flags: UInt8, stream: UInt8, _ payload: [UInt8]) -> [UInt8] {
            [0, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF), type, flags, 0, 0, 0, stream] + payload
        }
        let fields = [0x82, 0x87] + literal(0x04, path) + literal(0x01, authority)
        return Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + frame(type: 4, flags: 0, stream: 0, [])
            + frame(type: 4, flags: 1, stream: 0, []) + frame(type: 1, flags: 5, stream: 1, fields)
    }
}

/// Keeps what a client sends to a server that says nothing.
enum RequestRecorder {
    /// - Parameter client: makes one connection to the port and sends one request; cancelled when it has.
    static func record(_ client: @escaping @Sendable (Int) async throws -> Void) async throws -> [UInt8] {
        let (listener, port) = try Ports.listen()
        defer { close(listener) }
        let sending = Task { try await client(port) }
        defer { sending.cancel() }
        return try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try read(listener) }) }
        }
    }

    /// What arrives until nothing has for half a second.
    private static func read(_ listener: Int32) throws -> [UInt8] {
        let connection = accept(listener, nil, nil)
        guard connection >= 0 else { throw BenchError("no client came to be recorded") }
        defer { close(connection) }
        var limit = timeval(tv_sec: 0, tv_usec: 500_000)
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            bytes += buffer.prefix(count)
        }
        guard !bytes.isEmpty else { throw BenchError("the client sent nothing to be recorded") }
        return bytes
    }
}
