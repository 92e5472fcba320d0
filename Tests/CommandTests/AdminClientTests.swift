import ExposureNotification
import Foundation
import HTTP2
import Logging
import NIOCore
import NIOPosix
import TestSupport
import Testing

/// Commands at a socket where something else than a node of this release answers.
@Suite(.timeLimit(.minutes(5))) struct AdminClientTests {
    private struct Answer: RequestHandler {
        let status: Int
        let body: String

        func handle(_ request: RequestHead, on connection: ConnectionInfo) -> RequestHandling {
            .respond(ResponseHead(status: status), ByteBuffer(string: body))
        }
    }

    private func run(_ command: [String], answeredBy answer: Answer) async throws -> Keytide.Outcome {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let server = try await HTTPServer.bind(
            .unix(scratch.file("s")),
            group: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            handler: answer
        )
        let places = [
            "ARCHIVE": try scratch.write([1], "a.zip"),
            "KEY": try scratch.write(ExportSigningKey().verificationKey.derRepresentation, "key"),
        ]
        let arguments = command.map { places[$0] ?? $0 } + ["--socket", scratch.file("s")]
        let child = try Child([Keytide.executable] + arguments, in: scratch)
        defer { child.kill() }
        let status = try await child.end(within: 30)
        let outcome = (child.output, child.errors)
        try await server.shutdown(grace: .zero)
        guard let status else { throw TestFailure("\(command) did not end") }
        return Keytide.Outcome(status: status, output: outcome.0, errors: outcome.1)
    }

    @Test func problemsAreOnePrintableLine() async throws {
        for (answer, errors) in [
            (Answer(status: 503, body: #"{"title":"Busy","detail":"Later."}"#), "Error: Busy: Later.\n"),
            (
                Answer(status: 403, body: "{\"title\":\"A\\n\\u001b[2J\",\"detail\":\"\u{9b}2J\"}"),
                #"Error: A\u000a\u001b[2J: \u009b2J"# + "\n"
            ),
            (Answer(status: 502, body: "<html>"), "Error: the node answered 502\n"),
        ] {
            let outcome = try await run(["status"], answeredBy: answer)
            #expect(outcome.status == 1 && outcome.output.isEmpty)
            #expect(outcome.errors == errors)
        }
    }

    @Test func whatIsNoStatusIsSaidSo() async throws {
        for body in ["", "{}", "[]", #"{"region":7}"#, String(repeating: "[", count: 100_000)] {
            let outcome = try await run(["status"], answeredBy: Answer(status: 200, body: body))
            #expect(outcome.status == 1 && outcome.errors.contains("cannot be read"), "\(outcome.errors)")
        }
    }

    /// No number is too large or too small to be printed.
    @Test func anyStatusIsPrinted() async throws {
        let (low, high) = ("\(Int64.min)", "\(Int64.max)")
        let counts = [
            "lag", "storeBytes", "diskFreeBytes", "residentBytes", "publicConnections", "peerConnections",
            "clockDifference", "rosterVersion", "rosterExpires", "wireBytesReceived", "wireBytesSent", "ownKeys",
            "heldKeys",
        ].map { #""\#($0)":\#(high)"# }.joined(separator: ",")
        let body = """
            {"region":"\u{9b}2J","time":\(low),"indexTime":\(high),\(counts),"links":[],"arrivals":[],"forks":[],
            "keepsExpired":true,"neighbours":[{"region":"\u{202e}","isLinked":true,"roundTrip":1e300}],
            "lags":[{"region":"","batches":\(UInt64.max)}],
            "feeds":[{"feed":"\\n","first":1,"count":0,"root":"","lastPublication":\(UInt32.max),"damaged":[]}],
            "alarms":[{"what":"\\u001b[2J","times":\(low),"last":\(low),"ended":\(high)}],"trouble":"\u{85}"}
            """
        let outcome = try await run(["status"], answeredBy: Answer(status: 200, body: body))
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains(#"alarm"#) && outcome.output.contains(#"\u001b[2J"#))
        #expect(
            outcome.output.unicodeScalars.allSatisfy {
                $0 == "\n" || ![.control, .format].contains($0.properties.generalCategory)
            }
        )
    }

    @Test func anyReportsAreAdded() async throws {
        let names = [
            "keys", "published", "expired", "notYetEnded", "malformed", "duplicates", "superseded", "corrections",
            "withdrawnBefore", "endTooFarAhead", "furtherRevocations", "batches", "bytes", "heldUntil",
            "waitedMilliseconds",
        ]
        let numbers = names.map { "\"\($0)\":\(Int64.max)" }.joined(separator: ",")
        let body = "{\(numbers),\"named\":[\"\\u001b[2J\"],\"clock\":\"trusted\"}"
        let command = ["import", "ARCHIVE", "ARCHIVE", "--key", "KEY"]
        let outcome = try await run(command, answeredBy: Answer(status: 200, body: body))
        #expect(outcome.status == 0 && outcome.output.contains("total"), "\(outcome.errors)")
    }
}
