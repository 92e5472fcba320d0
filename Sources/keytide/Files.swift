import Foundation

/// Files that a user names on the command line.
enum Files {
    static func read(_ path: String) throws -> Data {
        do {
            return try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw CommandError("\(path) cannot be read: \(error.localizedDescription)")
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
