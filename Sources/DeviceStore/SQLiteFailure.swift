import Foundation
import GRDB
import GRDBSQLite

extension DeviceStoreError {
    /// An error of SQLite in the words of the phone's owner.
    /// - Parameters:
    ///   - action: what was being done, as in "keeping 3 batches".
    ///   - connection: on which it has just happened; nil if there is none yet.
    init(_ error: DatabaseError, action: String, path: String, connection: Database?) {
        let code: Code
        switch error.resultCode {
        case .SQLITE_FULL: code = .full
        case .SQLITE_IOERR: code = DeviceStoreError.isOutOfRoom(connection) ? .full : .io
        case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_CONSTRAINT: code = .corrupt
        case .SQLITE_BUSY, .SQLITE_LOCKED: code = .inUse
        case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM: code = .cannotOpen
        default: code = .io
        }
        self.init(code, "\(action) in \(path) failed: \(DeviceStoreError.advice(code, path))", cause: error)
    }

    static func corrupt(_ finding: String, path: String) -> DeviceStoreError {
        DeviceStoreError(.corrupt, "\(path): \(finding); \(advice(.corrupt, path))")
    }

    /// Whether the files' last failure was for want of room. A commit that fails leaves the number with the files, the
    /// log first, and not with the connection.
    private static func isOutOfRoom(_ connection: Database?) -> Bool {
        guard let handle = connection?.sqliteConnection else { return false }
        let numbers = [SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER].map { which -> Int32 in
            var file: UnsafeMutablePointer<sqlite3_file>?
            var number: Int32 = 0
            guard sqlite3_file_control(handle, "main", which, &file) == SQLITE_OK, let file,
                let control = file.pointee.pMethods?.pointee.xFileControl,
                control(file, SQLITE_FCNTL_LAST_ERRNO, &number) == SQLITE_OK
            else { return 0 }
            return number
        }
        return (numbers + [sqlite3_system_errno(handle)]).contains { [ENOSPC, EDQUOT, EFBIG].contains($0) }
    }

    private static func advice(_ code: Code, _ path: String) -> String {
        switch code {
        case .full: "there is no room left; free some space and sync again: nothing that was held is lost"
        case .corrupt: "the file is damaged; move it aside and sync again, everything but the sightings comes back"
        case .inUse: "another program has it open; let it finish and try again"
        case .cannotOpen: "check that the directory exists and that you may read and write there"
        default: "check the disk; nothing was kept of this step"
        }
    }
}
