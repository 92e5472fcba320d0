import ExposureNotification
import Foundation
import RegionalNode
import TestSupport
import Testing

/// The publisher's key in the forms in which it is handed out, and what is said of files that hold none.
@Suite(.timeLimit(.minutes(3))) struct PublisherKeyTests {
    private struct World {
        let scratch: Scratch
        let archives: Archives
        let archive: Archives.Archive
        var pem: String { archives.signer.verificationKey.pemRepresentation }
        var der: [UInt8] { archives.signer.verificationKey.derRepresentation }

        init(_ scratch: Scratch) throws {
            self.scratch = scratch
            archives = try Archives(in: scratch)
            archive = try archives.make("a.zip", patients: 3)
            try scratch.write(Array(archives.signer.pemRepresentation.utf8), "private.pem")
        }

        func inspect(_ key: some Sequence<UInt8>) async throws -> Keytide.Outcome {
            let path = try scratch.write(key, "key")
            return try await Keytide.run("inspect", "--key", path, archive.path, in: scratch)
        }

        /// A certificate of the publisher's key, self-signed by `openssl`; its expiry does not matter.
        func certificate(_ form: String = "PEM") async throws -> [UInt8] {
            let made = try Child(
                ["/usr/bin/openssl", "req", "-x509", "-new", "-key", scratch.file("private.pem"), "-subj", "/CN=p"]
                    + ["-days", "1", "-outform", form, "-out", scratch.file("certificate")],
                in: scratch
            )
            defer { made.kill() }
            guard try await made.end(within: 30) == 0 else { throw TestFailure(made.errors) }
            return [UInt8](try Data(contentsOf: URL(fileURLWithPath: scratch.file("certificate"))))
        }
    }

    private func with(_ body: (World) async throws -> Void) async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        try await body(try World(scratch))
    }

    @Test func formsThatAreTaken() async throws {
        try await with { world in
            let pem = world.pem
            let base64 = Data(world.der).base64EncodedString()
            let lines = pem.split(separator: "\n").map(String.init)
            let certificate = String(decoding: try await world.certificate(), as: UTF8.self)
            let forms = [
                pem, "\u{feff}" + pem, pem.replacingOccurrences(of: "\n", with: "\r\n"),
                "\u{feff}" + pem.replacingOccurrences(of: "\n", with: "\r\n"), "read EC key\n" + pem,
                pem + "\n\n# v1, DE\n", lines.joined(), pem.replacingOccurrences(of: "\n", with: "\r"),
                lines.map { "  " + $0 + " " }.joined(separator: "\n"), base64, base64 + "\r\n", "\u{feff}\(base64)\n",
                "\(base64.prefix(50))\n\(base64.dropFirst(50))", certificate, "\u{feff}subject=p\r\n" + certificate,
                certificate + certificate, certificate.replacingOccurrences(of: "\n", with: "\r\n"),
                Data(try await world.certificate("DER")).base64EncodedString(),
            ].map { Array($0.utf8) }
            for form in forms + [world.der, try await world.certificate("DER")] {
                let outcome = try await world.inspect(form)
                #expect(outcome.status == 0, "\(String(decoding: form, as: UTF8.self)): \(outcome.errors)")
            }
            // Without ends of line nothing is the same any more; and a key that is cut off is none.
            let cut = try await world.inspect(world.der.dropLast())
            #expect(cut.status == 1 && cut.errors.contains("no P-256 public key"), "\(cut.errors)")
        }
    }

    @Test func whatIsNoneIsSaidWithWhatToDo() async throws {
        try await with { world in
            let utf16: [UInt8] = [0xff, 0xfe] + world.pem.utf8.flatMap { [$0, 0] }
            let openssl = try Child(
                ["/usr/bin/openssl", "genpkey", "-algorithm", "ed25519", "-out", world.scratch.file("ed")],
                in: world.scratch
            )
            defer { openssl.kill() }
            #expect(try await openssl.end(within: 30) == 0)
            let other = try Child(
                ["/usr/bin/openssl", "req", "-x509", "-new", "-key", world.scratch.file("ed"), "-subj", "/CN=p"]
                    + ["-out", world.scratch.file("other.pem")],
                in: world.scratch
            )
            defer { other.kill() }
            #expect(try await other.end(within: 30) == 0)
            let bad: [([UInt8], String)] = [
                (Array(world.archives.signer.pemRepresentation.utf8), "private key"), (utf16, "UTF-16"),
                (Array((world.pem + world.pem).utf8), "several keys"), ([], "check the file"),
                (Array(repeating: 0x30, count: 100_000), "far too many"),
                (Array(world.scratch.text("other.pem").utf8), "not of curve P-256"),
            ]
            for (bytes, text) in bad {
                let outcome = try await world.inspect(bytes)
                #expect(outcome.status == 1 && outcome.errors.contains(text), "\(text): \(outcome.errors)")
                #expect(outcome.errors.contains(world.scratch.file("key")), "\(outcome.errors)")
            }
            let missing = try await Keytide.run(
                "inspect",
                "--key",
                world.scratch.file("none"),
                world.archive.path,
                in: world.scratch
            )
            #expect(missing.errors.contains("none cannot be read: No such file"), "\(missing.errors)")
        }
    }

    @Test func aNodeTakesThemToo() async throws {
        try await Cluster.with("VN-01") { cluster in
            try await cluster.start("VN-01")
            let archive = try cluster.archives.make("a.zip", patients: 3)
            let base64 = Data(cluster.archives.signer.verificationKey.derRepresentation).base64EncodedString()
            let key = try cluster.scratch.write(Array((base64 + "\r\n").utf8), "base64.txt")
            let imported = try await cluster.import("VN-01", archive.path, key: key)
            #expect(imported.outcome.status == 0 && imported.reports.first?.report?.published == archive.keys.count)
        }
    }

    @Test func oneBadArchiveHidesNoGoodOnes() async throws {
        try await with { world in
            let bad = try world.scratch.write(Array("none".utf8), "bad.zip")
            let paths = [bad, world.archive.path, world.scratch.file("missing.zip"), world.archive.path]
            let command = ["inspect", "--key", world.archives.keyPath] + paths
            let table = try await Keytide.run(command, in: world.scratch)
            #expect(table.status == 1 && table.output.components(separatedBy: "a.zip").count == 3, "\(table.output)")
            #expect(
                table.errors.contains("bad.zip: notAnArchive") && table.errors.contains("missing.zip cannot be read")
            )
            #expect(table.errors.contains("2 of 4 archives cannot be used"), "\(table.errors)")
            let json = try await Keytide.run(command + ["--json"], in: world.scratch)
            #expect(json.status == 1 && json.output.split(separator: "\n").count == 2)
            // A time that leaves some out would be taken for that of all.
            let end = try await Keytide.run(command + ["--latest-end"], in: world.scratch)
            #expect(end.status == 1 && end.output.isEmpty)
        }
    }
}

/// Typing errors and files of other systems: each is told with what is wrong.
@Suite(.timeLimit(.minutes(3))) struct WrongInputTests {
    @Test(arguments: ["9223372036854775807", "-9223372036854775808", "253402300800", "-1", "never", "99999-01-01"])
    func timesThatAreNone(_ text: String) async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let store = scratch.file("phone")
        try scratch.write([], "none")
        for command in [
            ["device", "match", "--store", store, "--as-of=\(text)"],
            ["device", "sync", "--store", store, "--node", "https://127.0.0.1:1", "--as-of=\(text)"]
                + ["--authorities", scratch.file("none")],
            ["roster", "draft", scratch.file("d"), "--issued=\(text)"],
            ["roster", "verify", scratch.file("none"), "--authorities", scratch.file("none"), "--as-of=\(text)"],
            ["sample", "encounters", "--as-of=\(text)", "--key", store, "--output", store, "--expected", store, store],
            ["sample", "exports", "--directory", store, "--end=\(text)"],
            ["node", "--region", "VN-01", "--store", store, "--roster", "r", "--authorities", "a", "--key", "k"]
                + ["--as-of=\(text)"],
        ] {
            let outcome = try await Keytide.run(command, in: scratch)
            #expect([1, 64].contains(outcome.status), "\(command): \(outcome)")
            #expect(!outcome.errors.contains("could not be completed"), "\(outcome.errors)")
        }
    }

    @Test func pathsOfSocketsThatAreTooLong() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        for length in [104, 107, 108, 300] {
            let path = scratch.file(String(repeating: "s", count: length - scratch.path.utf8.count - 1))
            let status = try await Keytide.run("status", "--socket", path, in: scratch)
            #expect(status.status == 1 && status.errors.contains("\(length) bytes"), "\(status.errors)")
            let node = try await Keytide.run(
                "node",
                "--region",
                "VN-01",
                "--store",
                scratch.file("s"),
                "--roster",
                "r",
                "--authorities",
                "a",
                "--key",
                "k",
                "--admin-socket",
                path,
                in: scratch
            )
            #expect(node.status == 1 && node.errors.contains("\(length) bytes"), "\(node.errors)")
            #expect(node.errors.contains("--admin-socket"), "\(node.errors)")
        }
        // The longest that is named is one that can be listened on.
        try await Cluster.with("VN-01") { cluster in
            let name = String(repeating: "s", count: 103 - cluster.scratch.path.utf8.count - 1)
            try await cluster.start("VN-01", "--admin-socket", cluster.scratch.file(name))
            let status = try await Keytide.run("status", "--socket", cluster.scratch.file(name), in: cluster.scratch)
            #expect(status.status == 0, "\(status.errors)")
        }
    }

    @Test func samplesAreNotMixedWithOthers() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let command = ["sample", "exports", "--days", "1", "--patients", "1", "--directory", scratch.file("e")]
        #expect(try await Keytide.run(command, in: scratch).status == 0)
        let key = scratch.text("e/publisher.der")
        let again = try await Keytide.run(command, in: scratch)
        #expect(again.status == 1 && again.errors.contains("another directory"), "\(again.errors)")
        #expect(scratch.text("e/publisher.der") == key)
    }

    /// Files that people edit, as an editor on Windows saves them.
    @Test func filesWithOtherEndsOfLineAndAMark() async throws {
        try await Cluster.with("VN-01") { cluster in
            for name in ["authorities", "VN-01.key", "VN-01.json"] {
                let text = try String(contentsOfFile: cluster.path(name), encoding: .utf8)
                let edited = "\u{feff}" + text.replacingOccurrences(of: "\n", with: "\r\n")
                try Data(edited.utf8).write(to: URL(fileURLWithPath: cluster.path(name)))
            }
            try await cluster.start("VN-01")
            #expect(try await cluster.status("VN-01").region == "VN-01")
            let verified = try await Keytide.run(
                "roster",
                "verify",
                cluster.path("roster"),
                "--authorities",
                cluster.path("authorities"),
                in: cluster.scratch
            )
            #expect(verified.status == 0, "\(verified.errors)")
            // What is signed is not to be changed, and it is said what has changed it.
            let roster = try String(contentsOfFile: cluster.path("roster"), encoding: .utf8)
            for (edited, text) in [
                (roster.replacingOccurrences(of: "\n", with: "\r\n"), "ends of line"), ("\u{feff}" + roster, "mark"),
            ] {
                let path = try cluster.scratch.write(Array(edited.utf8), "edited")
                let shown = try await Keytide.run("roster", "show", path, in: cluster.scratch)
                #expect(shown.status == 1 && shown.errors.contains(text), "\(shown.errors)")
            }
            // UTF-16 is another matter.
            let authorities = try String(contentsOfFile: cluster.path("authorities"), encoding: .utf8)
            let wide: [UInt8] = [0xff, 0xfe] + authorities.utf16.flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] }
            let path = try cluster.scratch.write(wide, "wide")
            let refused = try await Keytide.run(
                "roster",
                "verify",
                cluster.path("roster"),
                "--authorities",
                path,
                in: cluster.scratch
            )
            #expect(refused.status == 1 && refused.errors.contains("UTF-16"), "\(refused.errors)")
        }
    }
}
