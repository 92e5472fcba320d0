import ExposureKeys
import FeedFormat
import Foundation
import Testing

/// The files of docs/vectors mean what their list says, to this module and to the reader in Python.
struct VectorTests {
    /// Written anew only where this is set; without it the files stay as they are.
    private static let writes = ProcessInfo.processInfo.environment["KEYTIDE_WRITE_VECTORS"] != nil

    @Test(.enabled(if: writes)) func write() throws {
        var writer = try VectorWriter()
        try writer.write()
    }

    @Test(.disabled(if: writes), arguments: try VectorList.read().vectors)
    func contentOrError(_ vector: Vector) throws {
        let list = try VectorList.read()
        let result = Result { try vector.content(of: try vector.bytes(), in: list) }
        switch (result, vector.error) {
        case (.success(let content), nil): #expect(content == vector.content)
        case (.failure(let error as FormatError), let expected?): #expect(error.code.name == expected, "\(error)")
        case (.success, let expected?): Issue.record("read without an error, where \(expected) is due")
        case (.failure(let error), _): Issue.record(error)
        }
    }

    /// Fixed keys give fixed bytes in every process and on every machine, in whatever order they come. (A section that
    /// is compressed depends on the release of liblz4 as well.)
    @Test(
        .disabled(if: writes),
        arguments: ["batch/empty.bin", "batch/one-key.bin", "batch/many-groups.bin", "batch/bluezone.bin"]
    )
    func canonicalBytes(_ file: String) throws {
        let bytes = [UInt8](try Data(contentsOf: VectorList.folder.appending(path: file)))
        let batch = try Batch(bytes)
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<5 {
            let again = try Batch(
                number: batch.number,
                publication: batch.publication,
                keys: try batch.keys().shuffled(using: &generator),
                bluezone: try batch.bluezoneKeys().shuffled(using: &generator)
            )
            #expect(again.bytes == bytes)
        }
    }

    @Test(.disabled(if: writes)) func everyFileIsListed() throws {
        let listed = Set(try VectorList.read().vectors.map(\.file))
        let found = try FileManager.default.subpathsOfDirectory(atPath: VectorList.folder.path(percentEncoded: false))
        #expect(listed == Set(found.filter { $0.hasSuffix(".bin") }))
    }

    private static let python = ["/usr/bin/python3", "/usr/local/bin/python3"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    @Test(.enabled(if: python != nil && !writes, "there is no python3 here"))
    func theReaderInPythonAgrees() throws {
        let process = Process()
        process.executableURL = URL(filePath: try #require(VectorTests.python))
        process.arguments = ["-B", VectorList.folder.appending(path: "decode.py").path(percentEncoded: false)]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(text)")
        #expect(text.contains("\(try VectorList.read().vectors.count) vectors"), "\(text)")
    }
}
