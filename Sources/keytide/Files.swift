import FeedFormat
import FeedStore
import Foundation

/// Files that a user names on the command line.
enum Files {
    static func read(_ path: String) throws -> Data {
        do {
            return try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw CommandError("\(path) cannot be read: \(SystemReason.text(error))")
        }
    }

    /// A file that people edit, whatever their editor puts at its ends of line.
    static func text(_ path: String) throws -> String {
        let bytes = try read(path)
        do throws(FormatError) {
            return try EditedText.text(bytes)
        } catch {
            throw CommandError("\(path): \(error.reason)")
        }
    }

    /// Writes a result where the user has said: whole, or not at all.
    static func write(_ bytes: some Collection<UInt8>, _ path: String) throws {
        do throws(StoreError) {
            try OwnFile.writeResult(path, [UInt8](bytes))
        } catch {
            throw CommandError(error.reason)
        }
    }

    static func decode<Value: Decodable>(_ type: Value.Type, _ path: String) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: read(path))
        } catch let error as DecodingError {
            throw CommandError("\(path) is not the JSON that belongs there: \(error)")
        }
    }
}
