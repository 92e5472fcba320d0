import Foundation
import GRDB

/// What a store's file tells about its log of sightings without the key, whichever version wrote it. Changes nothing.
public struct EncounterLogStanding: Sendable, Equatable {
    /// Whether a key is needed that exists already.
    public let isSealed: Bool
    /// Sightings held, readable or not.
    public let count: Int

    package init(isSealed: Bool, count: Int) {
        self.isSealed = isSealed
        self.count = count
    }

    /// - Parameter path: of the store; nothing is held if there is no file.
    /// - Throws: `DeviceStoreError`.
    public init(path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else {
            (isSealed, count) = (false, 0)
            return
        }
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            (isSealed, count) = try queue.read { database in
                let isSealed =
                    try database.tableExists("encounter_log")
                    && Bool.fetchOne(database, sql: "SELECT EXISTS (SELECT 1 FROM encounter_log)") ?? false
                var count = 0
                for table in ["encounter", "sealed_encounter"] where try database.tableExists(table) {
                    count += try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM \(table)") ?? 0
                }
                return (isSealed, count)
            }
        } catch let error as DatabaseError {
            throw DeviceStoreError(error, action: "looking for sightings", path: path, connection: nil)
        }
    }
}
