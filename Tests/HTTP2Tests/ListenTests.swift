import Foundation
import HTTP2
import NIOCore
import Testing
import TestSupport

@Suite("Addresses", .timeLimit(.minutes(1)))
struct ListenTests {
    private func bind(_ address: ListenAddress) async throws -> HTTPServer {
        try await HTTPServer.bind(
            address,
            group: loops,
            logger: quietLogger,
            handler: ClosureHandler { _ in .respond(ResponseHead(status: 204), nil) }
        )
    }

    private func status(_ address: ConnectAddress) async throws -> Int {
        let connection = try await HTTPConnection.connect(to: address, group: loops, logger: quietLogger)
        let status = try await connection.get("/", maxBody: 0).0.status
        await connection.close()
        return status
    }

    @Test("A port in use is told with its address and what to do")
    func portInUse() async throws {
        let first = try await bind(.tcp("127.0.0.1", 0))
        let port = try #require(first.localAddress.port)
        let error = await #expect(throws: HTTPError.self) { _ = try await bind(.tcp("127.0.0.1", port)) }
        #expect(error?.code == .addressInUse)
        #expect(error?.reason.contains("127.0.0.1:\(port)") == true)
        #expect(error?.reason.contains("another address") == true)
        try await first.shutdown(grace: .zero)
        let second = try await bind(.tcp("127.0.0.1", port))
        #expect(try await status(.tcp("127.0.0.1", port)) == 204)
        try await second.shutdown(grace: .zero)
    }

    @Test("An address of another host cannot be listened on")
    func foreignAddress() async throws {
        await #expect(throws: HTTPError(.addressUnavailable, "")) { _ = try await bind(.tcp("192.0.2.1", 0)) }
    }

    @Test("A socket file is open to its owner only, and goes with the server")
    func unixSocket() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let path = folder.path("admin")
        let server = try await bind(.unix(path))
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(try await status(.unix(path)) == 204)
        try await server.shutdown(grace: .zero)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("A socket file somebody listens on is kept, one nobody listens on is replaced")
    func staleSocket() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let path = folder.path("admin")
        let first = try await bind(.unix(path))
        let error = await #expect(throws: HTTPError.self) { _ = try await bind(.unix(path)) }
        #expect(error?.code == .addressInUse)
        #expect(error?.reason.contains(path) == true)
        #expect(try await status(.unix(path)) == 204)
        // A hard link stays behind when the server goes, as the file does when a process is killed.
        let link = folder.path("link")
        try FileManager.default.linkItem(atPath: path, toPath: link)
        try await first.shutdown(grace: .zero)
        #expect(FileManager.default.fileExists(atPath: link))
        // A program that another test is just starting may hold the old listener for a moment.
        var second: HTTPServer?
        _ = try await eventually {
            second = try? await bind(.unix(link))
            return second != nil
        }
        #expect(try await status(.unix(link)) == 204)
        try await second?.shutdown(grace: .zero)
    }

    @Test("A file that is no socket is never removed")
    func otherFile() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        try folder.file("data", Data("precious".utf8))
        await #expect(throws: HTTPError(.addressInUse, "")) { _ = try await bind(.unix(folder.path("data"))) }
        #expect(try String(contentsOfFile: folder.path("data"), encoding: .utf8) == "precious")
    }

    @Test("A path longer than a socket address holds is refused")
    func longPath() async throws {
        let path = "/tmp/" + String(repeating: "x", count: 200)
        await #expect(throws: HTTPError(.addressUnavailable, "")) { _ = try await bind(.unix(path)) }
    }
}
