import Foundation
import TestSupport

/// Three authorities, two of whom must sign, and what they do by `keytide roster`.
struct Authorities {
    let scratch: Scratch
    var file: String { scratch.file("authorities") }

    init(in scratch: Scratch) async throws {
        self.scratch = scratch
        var text = "threshold 2\n"
        for number in 1...3 {
            let made = try await Keytide.run(
                "roster",
                "key",
                scratch.file("authority-\(number)"),
                "--name",
                "test/authority-\(number)",
                in: scratch
            )
            guard made.status == 0 else { throw TestFailure(made.errors) }
            text += made.output
        }
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    }

    func draft(_ name: String, after current: String? = nil, _ changes: [String]) async throws -> Keytide.Outcome {
        let held = current.map { ["--current", scratch.file($0), "--authorities", file] } ?? []
        return try await run(["roster", "draft", scratch.file(name)] + held + changes)
    }

    /// Signs what `roster show` prints.
    func sign(_ name: String, by number: Int, after current: String? = nil) async throws -> Keytide.Outcome {
        let shown = try await shortName(of: name)
        return try await run(signing(name, by: number, after: current) + ["--yes", shown])
    }

    /// The command that signs, without `--yes`.
    func signing(_ name: String, by number: Int, after current: String? = nil) -> [String] {
        let held = current.map { ["--previous", scratch.file($0)] } ?? []
        return ["roster", "sign", scratch.file(name), "--key", scratch.file("authority-\(number)")]
            + ["--authorities", file] + held
    }

    /// VERSION-HASH of a roster or draft; something else if it is none.
    func shortName(of name: String) async throws -> String {
        let shown = try await run(["roster", "show", scratch.file(name)])
        let line = shown.output.split(separator: "\n").first { $0.contains("roster sign --yes") }
        return line?.split(separator: " ").first.map(String.init) ?? "none"
    }

    /// Drafts a version and has authorities 1 and 3 sign it.
    func make(_ name: String, after current: String? = nil, _ changes: [String]) async throws -> String {
        let drafted = try await draft(name, after: current, changes)
        guard drafted.status == 0 else { throw TestFailure(drafted.errors) }
        for number in [1, 3] {
            let signed = try await sign(name, by: number, after: current)
            guard signed.status == 0 else { throw TestFailure(signed.errors) }
        }
        return drafted.output
    }

    func verify(_ name: String, after current: String? = nil, _ more: String...) async throws -> Keytide.Outcome {
        let held = current.map { ["--previous", scratch.file($0)] } ?? []
        return try await run(["roster", "verify", scratch.file(name), "--authorities", file] + held + more)
    }

    /// A region's files in a folder named after it.
    /// - Parameters:
    ///   - address: for phones.
    ///   - peer: for other nodes.
    func makeRegion(_ code: String, at address: String? = nil, peer: String? = nil) async throws {
        let host = "https://\(code.lowercased()).example"
        let made = try await run([
            "region", "init", scratch.file(code), "--region", code, "--operator", "Sở Y tế \(code)",
            "--public", address ?? host, "--peer", peer ?? "\(host):8441",
        ])
        guard made.status == 0 else { throw TestFailure(made.errors) }
    }

    func request(_ code: String) -> [String] { ["--request", scratch.file("\(code)/region.request")] }

    func run(_ arguments: [String]) async throws -> Keytide.Outcome {
        try await Keytide.run(arguments, in: scratch, seconds: 60)
    }
}
